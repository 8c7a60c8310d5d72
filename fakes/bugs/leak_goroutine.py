"""`leak-goroutine`: a call leaves a task that never ends, as a goroutine at a channel nobody writes to."""

from __future__ import annotations

import asyncio

from fakes.bugs.bug import Surroundings, leak


@leak("leak-goroutine")
async def goroutine(surroundings: Surroundings, user: str) -> object:
    """A task that waits for ever."""
    return asyncio.get_running_loop().create_task(asyncio.Event().wait())
