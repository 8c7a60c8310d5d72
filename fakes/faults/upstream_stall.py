"""`upstream-stall`: an upstream gives no answer until it is lifted; then all that were due are answered."""

from __future__ import annotations

from typing import Final

from fakes.faults.fault import UPSTREAMS, FaultKind

FAULT: Final = FaultKind(
    name="upstream-stall",
    owner="upstream",
    observed="calls held",
    targets=(UPSTREAMS,),
)
