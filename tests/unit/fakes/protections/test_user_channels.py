"""The plan's limiter of a user's calls as written: what is wrong with it, beside the mended one."""

from __future__ import annotations

import asyncio

import pytest

from fakes.http.reasons import RefusedError
from fakes.protections.gate import Admission, CallEnd
from fakes.protections.user_channels import UserChannels
from fakes.protections.user_concurrency import Ticket, UserConcurrency
from fakes.settings import OriginSettings, StackSettings


def gate(limiter: str, limit: int = 2) -> UserConcurrency:
    origin = OriginSettings.model_validate({"user_concurrency": limit, "user_limiter": limiter})
    return UserConcurrency(StackSettings(origin=origin), lambda: 0.0)


def enter(one: UserConcurrency, calls: int, user: str = "u") -> list[Ticket | None]:
    found: list[Ticket | None] = []
    for _ in range(calls):
        try:
            found.append(one.enter(user, "notion"))
        except RefusedError:
            found.append(None)
    return found


@pytest.mark.parametrize(
    ("limiter", "through", "peak"),
    [
        ("mended", [True, True, False, False, False, False], 2),
        ("as-written", [True, True, False, True, False, True], 4),
    ],
)
def test_a_refused_calls_release_lets_one_more_in(limiter: str, through: list[bool], peak: int) -> None:
    one = gate(limiter)
    assert [ticket is not None for ticket in enter(one, 6)] == through
    assert one.peak == peak


async def test_a_release_too_many_waits_for_a_later_call_or_for_ever() -> None:
    one = gate("as-written")
    tickets = [ticket for ticket in enter(one, 4) if ticket is not None]  # 3 in, 1 refused
    waits = [one.leave(ticket, CallEnd.OK) for ticket in tickets]
    assert waits[:2] == [None, None]
    assert waits[2] is not None
    assert (one.blocked(), one.running, waits[2].done()) == (1, {}, False)
    enter(one, 1)
    assert (one.blocked(), waits[2].done()) == (0, True)


async def test_a_release_whose_caller_is_gone_still_takes_a_place() -> None:
    channels = UserChannels(1)
    assert channels.acquire("u")
    channels.release("u")
    left = channels.release("u")
    assert left is not None
    left.cancel()
    assert channels.acquire("u")
    assert channels.acquire("u")  # the first place went to the one that waited
    assert channels.blocked() == 0


def test_a_user_is_kept_for_good_as_written_and_only_while_he_calls_mended() -> None:
    for limiter, kept in (("as-written", 100), ("mended", 0)):
        one = gate(limiter)
        for number in range(100):
            one.leave(one.enter(f"u{number}", "notion"), CallEnd.OK)
        assert one.kept() == kept


async def test_the_call_waits_where_its_gate_does_after_all_gates_are_left() -> None:
    one = gate("as-written", 1)
    enter(one, 2)  # one in; the refused one's Release took its place
    with Admission((one,), "u", "notion") as admission:
        pass
    await admission.given_back()  # a place was there
    with Admission((one,), "u", "notion") as second:
        assert one.channels is not None
        one.channels.release("u")
    waiting = asyncio.ensure_future(second.given_back())
    await asyncio.sleep(0)
    assert not waiting.done()
    enter(one, 1)
    await waiting


def test_another_limit_and_a_reset_begin_with_new_channels() -> None:
    one = gate("as-written")
    enter(one, 6)
    before = one.channels
    one.configure(StackSettings(origin=OriginSettings(user_concurrency=2, user_limiter="as-written")))
    assert one.channels is before
    one.forget()
    assert (one.channels is not before, one.kept(), one.peak) == (True, 0, 4)
    one.configure(StackSettings())
    assert one.channels is None
