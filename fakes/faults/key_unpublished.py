"""`key-unpublished`: the issuer's set lacks the key that accounts sign with; lifted, the key is published."""

from __future__ import annotations

from typing import Final

from fakes.faults.fault import FaultKind

FAULT: Final = FaultKind(
    name="key-unpublished",
    owner="supabase",
    observed="key sets given without it",
)
