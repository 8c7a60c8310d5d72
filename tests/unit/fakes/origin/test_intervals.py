"""What an origin does every so often, by spans that may change while it waits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from common.secrets.secret import Secret
from fakes.control.intervals import Intervals
from fakes.control.process_config import StackConfig
from fakes.control.state import Control
from fakes.http.metrics import Metrics
from fakes.origin.origin import Origin
from fakes.origin.stored.credits import UsageRow
from fakes.settings import StackSettings
from tests.support.manual_clock import ManualClock

LONG = {"origin": {"rate_sync": 600.0, "usage_flush": 100.0}}
SHORT = {"origin": {"rate_sync": 0.05, "usage_flush": 0.05}}


def config(settings: dict[str, Any]) -> StackConfig:
    addresses, token = {"upstream": ("127.0.0.1", 9)}, Secret("secret")
    return StackConfig(
        settings=StackSettings.model_validate(settings), addresses=addresses, control_token=token,
        gateway_secret=token, issuer="https://issuer", jwks_url="http://127.0.0.1:9/keys", name="origin-a",
    )  # fmt: skip


class Waiting:
    """One turn of `rate_sync` on a manual clock."""

    def __init__(self) -> None:
        self.clock, self.control = ManualClock(), Control(config(LONG))
        intervals = Intervals(self.control, self.clock)
        self.turn = asyncio.create_task(
            intervals.over(lambda: self.control.snapshot.settings.origin.rate_sync)
        )

    async def changed(self, after: float, rate_sync: float) -> bool:
        """Whether the turn is over once that is in force, `after` seconds later."""
        await asyncio.sleep(0)
        self.clock.now += after
        self.control.settings({"origin": {"rate_sync": rate_sync}})
        for _ in range(5):
            await asyncio.sleep(0)
        return self.turn.done()


async def test_another_span_counts_from_where_the_turn_began() -> None:
    waiting = Waiting()
    assert not await waiting.changed(50, 600.0)  # what does not concern it
    assert not await waiting.changed(40, 100.0)
    assert await waiting.changed(10, 100.0)


async def test_a_span_that_is_over_already_ends_the_turn_at_once() -> None:
    assert await Waiting().changed(100, 60.0)


async def test_a_span_that_nothing_changes_ends() -> None:
    intervals = Intervals(Control(config(LONG)))
    async with asyncio.timeout(5):
        await intervals.over(lambda: 0.01)


class Stored:
    """A database that notes when it was asked."""

    def __init__(self) -> None:
        self.written, self.synced = asyncio.Event(), asyncio.Event()

    async def value(self, *args: object) -> None:
        self.written.set()

    async def rows(self, *args: object) -> list[object]:
        self.synced.set()
        return []

    async def open(self, *args: object) -> None:
        """Nothing to connect to."""

    configure = open


async def test_an_origin_syncs_and_writes_usage_by_the_spans_in_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    control, stored = Control(config(LONG)), Stored()
    origin = Origin(config(LONG), control, Metrics())
    for name in ("value", "rows", "open", "configure"):
        monkeypatch.setattr(origin.database, name, getattr(stored, name))
    await origin.start()
    origin.usage.add(UsageRow("r", "u", "fast", "echo", "ok", 1.5, "i"))
    await asyncio.sleep(0)
    control.settings(SHORT)
    async with asyncio.timeout(5):
        await stored.synced.wait()
        await stored.written.wait()
    for task in origin._tasks:
        task.cancel()
