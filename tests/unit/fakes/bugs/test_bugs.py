"""Seeded bugs: each gives another's answer exactly as often as it counts, none does so unless asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from pydantic import ValidationError

from fakes.bugs.bug import AskedCall
from fakes.bugs.bugs import NAMES, Bugs
from fakes.http.asgi import Reply
from fakes.http.metrics import Metrics
from fakes.settings import BUGS, StackSettings


class Rig:
    """One origin's bugs; a call's honest answer is its own number."""

    def __init__(self, shares: Mapping[str, float]) -> None:
        self.metrics = Metrics()
        self.bugs = Bugs(self.metrics, "seed")
        self.shares = shares
        self.foreign = self.made = 0
        self.released = asyncio.Event()

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
        text = self.metrics.text().decode()
        lines = [line for line in text.splitlines() if line.startswith("mcpist_bug_answers_total{")]
        return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_every_file_of_the_room_can_be_asked_for() -> None:
    assert NAMES == BUGS


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


def test_unknown_names_and_more_than_all_calls_are_refused() -> None:
    assert StackSettings().bugs == {}
    for given in ({"off-by-one": 0.1}, {"shared-buffer": 0.6, "late-answer": 0.6}, {"shared-buffer": 2}):
        with pytest.raises(ValidationError):
            StackSettings.model_validate({"bugs": given})
    with pytest.raises(ValidationError, match="in Python alone"):
        StackSettings.model_validate({"bugs": {"shared-buffer": 0.1}, "parts": {"origin": "real"}})
