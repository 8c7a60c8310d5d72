"""`process-down`: a process is killed, and started again when the fault is lifted."""

from __future__ import annotations

from typing import Final

from fakes.faults.fault import PROCESSES, FaultKind

FAULT: Final = FaultKind(
    name="process-down",
    owner="stack",
    observed="processes that were gone",
    targets=PROCESSES,
    needs_target=True,
)
