"""`db-row-lock`: a client beside the gateway locks one account's credits: the first by id, or `account`."""

from __future__ import annotations

from typing import Final

from fakes.faults.fault import FaultKind, Parameter

FAULT: Final = FaultKind(
    name="db-row-lock",
    owner="stack",
    observed="rows locked, says the server",
    params={"account": Parameter(text=True)},
)
