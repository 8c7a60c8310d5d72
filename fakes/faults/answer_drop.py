"""`answer-drop`: an origin breaks off the connection of a call that it has carried out, answer and all.

Each `every`-th (1) answer of a tool is lost so, `count` of them at most (all): the credit is taken, the tool
has done its work, the usage row is on its way, and the caller does not know. Answers given from memory
(`idempotency`) are neither counted nor lost.
"""

from __future__ import annotations

from typing import Final

from fakes.faults.fault import ORIGINS, FaultKind, Parameter

FAULT: Final = FaultKind(
    name="answer-drop",
    owner="origin",
    observed="answers dropped",
    targets=ORIGINS,
    params={"every": Parameter(1, 1_000_000, whole=True), "count": Parameter(1, 1_000_000, whole=True)},
)
