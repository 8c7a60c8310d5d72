"""Seeded bugs: each gives another's answer, or keeps something, exactly as often as it counts; none does so
unless asked."""

from __future__ import annotations

import asyncio
import os
import socket
import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from fakes.bugs.bug import AskedCall, Surroundings
from fakes.bugs.bugs import NAMES, Bugs
from fakes.http.asgi import Reply
from fakes.http.metrics import Metrics
from fakes.settings import BUGS, LEAKS, StackSettings


class Rig:
    """One origin's bugs; a call's honest answer is its own number."""

    def __init__(self, shares: Mapping[str, float], upstream: tuple[str, int] = ("127.0.0.1", 1)) -> None:
        self.metrics = Metrics()
        self.sessions: list[str] = []
        self.bugs = Bugs(self.metrics, "seed", Surroundings(self._open, upstream))
        self.shares = shares
        self.foreign = self.made = 0
        self.released = asyncio.Event()

    async def _open(self, user: str) -> str:
        self.sessions.append(user)
        return user

    async def call(self, number: int, status: int = 200, wait: bool = False) -> None:
        async def work() -> Reply:
            self.made += 1
            if wait:
                await self.released.wait()
            return Reply(status, [], b"%d" % number)

        asked = AskedCall(f"user-{number % 3}", number // 3, "fast.echo")
        reply = await self.bugs.answer(self.shares, asked, work)
        assert reply is not None
        self.foreign += reply.body != b"%d" % number

    @property
    def counted(self) -> float:
        return self.told("mcpist_bug_answers_total")

    def told(self, counter: str) -> float:
        text = self.metrics.text().decode()
        lines = [line for line in text.splitlines() if line.startswith(counter + "{")]
        return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_every_file_of_the_room_can_be_asked_for() -> None:
    assert sorted(NAMES) == sorted((*BUGS, *LEAKS))


@pytest.mark.parametrize("name", ["shared-buffer", "cache-without-user", "table-by-id"])
def test_a_bug_gives_as_many_as_it_counts(name: str) -> None:
    async def scene() -> None:
        rig = Rig({name: 0.05})
        for number in range(2000):
            await rig.call(number)
        assert rig.foreign == rig.counted
        assert 50 <= rig.foreign <= 150
        assert rig.made == 2000 - (rig.foreign if name == "cache-without-user" else 0)

    asyncio.run(scene())


def test_failed_answers_are_given_to_nobody_else() -> None:
    async def scene() -> None:
        rig = Rig({"shared-buffer": 0.5, "cache-without-user": 0.5})
        for number in range(50):
            await rig.call(number, status=500)
        assert (rig.foreign, rig.counted) == (0, 0)

    asyncio.run(scene())


def test_ids_that_are_given_out_once_keep_the_table_by_id_right() -> None:
    async def scene() -> None:
        rig = Rig({"table-by-id": 1.0})
        for number in range(0, 300, 3):
            await rig.call(number)
        assert rig.counted == 0

    asyncio.run(scene())


@pytest.mark.parametrize(("share", "late"), [(1.0, 1), (0.0, 0)])
def test_a_late_answer_goes_to_the_next_caller(share: float, late: int) -> None:
    async def scene() -> None:
        rig = Rig({"late-answer": share})
        left = asyncio.ensure_future(rig.call(1, wait=True))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
        rig.released.set()
        for _ in range(3):
            await asyncio.sleep(0)
        await rig.call(2)
        await rig.call(3)
        assert (rig.foreign, rig.counted) == (late, late)

    asyncio.run(scene())


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_keeps_as_much_as_it_counts_and_answers_as_ever(name: str) -> None:
    async def scene() -> None:
        server = socket.create_server(("127.0.0.1", 0))
        rig = Rig({name: 0.1}, server.getsockname())
        tasks, files = len(asyncio.all_tasks()), _files()
        tracemalloc.start()
        for number in range(300):
            await rig.call(number)
        memory, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        leaked = rig.told("mcpist_bug_leaks_total")
        assert 15 <= leaked <= 60
        assert (rig.foreign, rig.counted, rig.made) == (0, 0, 300)
        grown = {
            "leak-connection": len(_files() - files),
            "leak-goroutine": len(asyncio.all_tasks()) - tasks,
            "leak-memory": memory // 10_240,
            "leak-session": len(rig.sessions),
        }
        assert grown.pop(name) == leaked
        assert max(grown.values()) < leaked / 3  # a task is not nothing
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        for left in _files() - files:
            os.close(int(left.name))
        server.close()

    asyncio.run(scene())


def _files() -> set[Path]:
    """Descriptors that are open, without that of the listing."""
    return {one for one in Path("/proc/self/fd").iterdir() if one.exists()}


def test_unknown_names_and_more_than_all_calls_are_refused() -> None:
    assert StackSettings().bugs == {}
    for given in ({"off-by-one": 0.1}, {"shared-buffer": 0.6, "late-answer": 0.6}, {"shared-buffer": 2}):
        with pytest.raises(ValidationError):
            StackSettings.model_validate({"bugs": given})
    with pytest.raises(ValidationError, match="in Python alone"):
        StackSettings.model_validate({"bugs": {"shared-buffer": 0.1}, "parts": {"origin": "real"}})
