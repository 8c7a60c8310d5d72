"""What has a key is done once: repeats get the first one's answer, failures are tried again."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from fakes.http.reasons import RefusedError
from fakes.protections.idempotency import NAME, Idempotency, told
from tests.support.gateway_rig import RUN, GatewayRig

KEEP = 600.0


class Store:
    """What all origins know."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}

    async def find(self, key: str, keep: float) -> str | None:
        return self.answers.get(key)

    async def remember(self, key: str, answer: str) -> None:
        self.answers[key] = answer


class Work:
    """Counts how often it was done; waits for `go`."""

    def __init__(self) -> None:
        self.done = 0
        self.fails: Exception | None = None
        self.go = asyncio.Event()

    async def __call__(self) -> str:
        await self.go.wait()
        if self.fails is not None:
            raise self.fails
        self.done += 1
        return f"answer {self.done}"


class Rig:
    def __init__(self, store: Store | None = None) -> None:
        self.work, self.replays = Work(), 0
        self.origin: Idempotency[str] = Idempotency(store or Store(), self._replayed)

    def _replayed(self) -> None:
        self.replays += 1

    def once(self, key: str = "k") -> asyncio.Task[tuple[str, bool]]:
        return asyncio.ensure_future(self.origin.once(key, KEEP, self.work))


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_repeat_gets_the_answer_that_the_first_was_given_at_either_origin() -> None:
    store = Store()
    here, there = Rig(store), Rig(store)
    here.work.go.set()
    assert await here.once() == ("answer 1", False)
    assert await here.once() == ("answer 1", True)
    assert await there.once() == ("answer 1", True)
    assert (here.work.done, there.work.done, here.replays, there.replays) == (1, 0, 1, 1)
    assert await here.once("another") == ("answer 2", False)


async def test_a_repeat_waits_for_the_first_that_goes_on() -> None:
    rig = Rig()
    first, again = rig.once(), rig.once()
    await settle()
    assert not again.done()
    rig.work.go.set()
    assert [await first, await again] == [("answer 1", False), ("answer 1", True)]
    assert rig.work.done == 1


async def test_a_repeat_that_waited_for_one_whose_caller_left_does_it() -> None:
    rig = Rig()
    first, again = rig.once(), rig.once()
    await settle()
    first.cancel()
    await settle()
    rig.work.go.set()
    assert await again == ("answer 1", False)


async def test_what_failed_is_no_answer() -> None:
    rig = Rig()
    rig.work.go.set()
    rig.work.fails = RefusedError("upstream_error")
    with pytest.raises(RefusedError):
        await rig.once()
    rig.work.fails = None
    assert await rig.once() == ("answer 1", False)


def test_a_key_is_a_header_of_a_bounded_length() -> None:
    assert told({b"idempotency-key": b"k"}) == "k"
    assert told({}) == told({b"idempotency-key": b"x" * 201}) == ""


@pytest.mark.parametrize(("on", "ids"), [((NAME,), {"u/k"}), ((), {"edge-1", "edge-2"})])
async def test_what_has_a_key_is_charged_under_it_where_the_protection_is_on(
    on: tuple[str, ...], ids: set[str]
) -> None:
    rig = GatewayRig(*on)
    for number in (1, 2):
        await rig.post(RUN, x_user_id="u", x_request_id=f"edge-{number}", idempotency_key="k")
    assert {request_id for _, request_id in rig.contexts} == ids
    assert {(one.intent, one.once) for one, _ in rig.contexts} == {("k", bool(on))}


async def test_without_a_key_nothing_changes() -> None:
    rig = GatewayRig(NAME)
    await rig.post(RUN, x_request_id="edge-1")
    assert [(one.intent, one.once, id) for one, id in rig.contexts] == [("", False, "edge-1")]


async def test_a_batch_is_charged_by_command_under_the_key() -> None:
    rig = GatewayRig(NAME)
    line = json.dumps({"module": "fast", "tool": "echo", "params": {}})
    batch: dict[str, Any] = {"name": "batch", "arguments": {"commands": f"{line}\n{line}"}}
    await rig.post({"method": "tools/call", "params": batch}, x_user_id="u", idempotency_key="k")
    assert sorted(id for _, id in rig.contexts) == ["u/k/1", "u/k/2"]
