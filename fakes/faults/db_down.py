"""`db-down`: an origin's database refuses it."""

from __future__ import annotations

from typing import Final

from fakes.faults.fault import ORIGINS, FaultKind

FAULT: Final = FaultKind(
    name="db-down",
    owner="origin",
    observed="queries refused",
    targets=ORIGINS,
)
