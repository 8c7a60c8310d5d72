"""`leak-memory`: 10 KB of each call that it struck are kept, as by a table that is never cleared."""

from __future__ import annotations

import secrets
from typing import Final

from fakes.bugs.bug import Surroundings, leak

SIZE: Final = 10_240  # bytes


@leak("leak-memory")
async def memory(surroundings: Surroundings, user: str) -> object:
    """Pages that are really written."""
    return secrets.token_bytes(SIZE)
