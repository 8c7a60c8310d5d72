"""`late-answer`: a caller leaves, its answer comes all the same, and the next caller is given it.

So it goes where a connection is used again although an answer is still due on it. The share is of the calls
whose caller left.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from fakes.bugs.bug import AskedCall, Work, bug, good
from fakes.http.asgi import Reply


@bug("late-answer")
class LateAnswer:
    """Answers that nobody waited for any more."""

    def __init__(self, struck: Callable[[], None]) -> None:
        self._struck = struck
        self._late: deque[Reply] = deque()
        self._running: set[asyncio.Task[Reply | None]] = set()

    async def answer(self, asked: AskedCall, work: Work, strike: bool) -> Reply | None:
        """See `fakes.bugs.bug`."""
        if self._late:
            self._struck()
            return self._late.popleft()
        task = asyncio.ensure_future(work())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if strike:
                task.add_done_callback(self._keep)
            else:
                task.cancel()
            raise

    def _keep(self, task: asyncio.Task[Reply | None]) -> None:
        if not task.cancelled() and task.exception() is None:
            reply = task.result()
            if reply is not None and good(reply):
                self._late.append(reply)
