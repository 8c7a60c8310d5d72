"""`origin-exit`: an origin's process ends itself."""

from __future__ import annotations

from typing import Final

from fakes.faults.fault import ORIGINS, FaultKind

FAULT: Final = FaultKind(
    name="origin-exit",
    owner="origin",
    observed="processes that ended",
    targets=ORIGINS,
)
