"""Seconds of calls that go on without their callers, on a clock that is moved by hand."""

from __future__ import annotations

import asyncio

from fakes.http.asgi import Reply
from fakes.origin.orphans import Orphans


def test_seconds_count_from_the_leaving_to_the_end_and_grow_while_a_call_is_under_way() -> None:
    async def scene() -> None:
        now, go = [10.0], asyncio.Event()

        async def work() -> Reply:
            await go.wait()
            return Reply(200, [], b"")

        orphans = Orphans(lambda: now[0])
        first, other = (asyncio.ensure_future(work()) for _ in range(2))
        orphans.add(first)
        now[0] = 11.0
        orphans.add(other)
        now[0] = 13.0
        assert (orphans.seconds, first in orphans) == (5.0, True)
        go.set()
        await first
        await asyncio.sleep(0)
        now[0] = 99.0
        assert (orphans.seconds, first in orphans) == (5.0, False)

    asyncio.run(scene())
