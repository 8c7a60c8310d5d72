"""`upstream-reset`: an upstream breaks the connection off, for a `share` of its calls."""

from __future__ import annotations

from typing import Final

from fakes.faults.fault import UPSTREAMS, FaultKind, Parameter

FAULT: Final = FaultKind(
    name="upstream-reset",
    owner="upstream",
    observed="connections broken off",
    targets=(UPSTREAMS,),
    params={"share": Parameter(0, 1)},
)
