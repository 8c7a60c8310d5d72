"""`upstream-error`: an upstream answers 500, or `status`, for a `share` of its calls."""

from __future__ import annotations

from typing import Final

from fakes.faults.fault import UPSTREAMS, FaultKind, Parameter

FAULT: Final = FaultKind(
    name="upstream-error",
    owner="upstream",
    observed="calls answered with the error",
    targets=(UPSTREAMS,),
    params={"status": Parameter(400, 599, whole=True), "share": Parameter(0, 1)},
)
