"""`db-hold`: every credit transaction holds its row for `seconds` (30)."""

from __future__ import annotations

from typing import Final

from fakes.faults.fault import ORIGINS, FaultKind, Parameter

FAULT: Final = FaultKind(
    name="db-hold",
    owner="origin",
    observed="transactions held",
    targets=ORIGINS,
    params={"seconds": Parameter(0, 600)},
)
