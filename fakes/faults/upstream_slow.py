"""`upstream-slow`: an upstream takes `factor` times as long (10 times), for calls that begin now."""

from __future__ import annotations

from typing import Final

from fakes.faults.fault import UPSTREAMS, FaultKind, Parameter

FAULT: Final = FaultKind(
    name="upstream-slow",
    owner="upstream",
    observed="calls slowed down",
    targets=(UPSTREAMS,),
    params={"factor": Parameter(1, 1000)},
)
