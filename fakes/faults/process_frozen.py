"""`process-frozen`: a process is stopped (SIGSTOP), and goes on when the fault is lifted."""

from __future__ import annotations

from typing import Final

from fakes.faults.fault import PROCESSES, FaultKind

FAULT: Final = FaultKind(
    name="process-frozen",
    owner="stack",
    observed="processes that stood still",
    targets=PROCESSES,
    needs_target=True,
)
