"""The supervisor's look at its children goes on whoever does not answer."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from fakes.stack import supervisor
from fakes.stack.supervisor import Stack


async def test_a_process_that_does_not_answer_delays_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "POLL_INTERVAL", 0)
    looks, enough = [1], asyncio.Event()

    async def never(name: str) -> None:
        await asyncio.Event().wait()

    def look() -> None:
        looks.append(1)
        if len(looks) > 4:
            enough.set()

    stack = Stack.__new__(Stack)
    stack.down, stack.frozen = {}, set()
    stack.control_plane = SimpleNamespace(stale={"origin-b"}, catch_up=never)  # type: ignore[assignment]
    stack.note_ended = look  # type: ignore[method-assign]
    task = asyncio.create_task(stack.watch())
    async with asyncio.timeout(5):
        await enough.wait()
    task.cancel()
