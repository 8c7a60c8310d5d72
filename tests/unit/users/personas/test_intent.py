"""An intent's attempts: fan-out as a whole, giving up, the session anew, loops; no arrival is held up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from common.tool_call import ModuleCall
from telemetry.recording.sample import Flag, of_intent
from tests.support.fake_account_client import FakeAccountClient, answer
from users.mcp.dialect import PLAIN, Dialect
from users.mcp.expectation import OWN_NONCE
from users.mcp.operations import CANCELLED, Operation
from users.personas.persona import OpeningPersona, Persona, make_persona
from users.transport.call import NAN

FIND = ModuleCall(module="notion", tool="search", params={"query": "x"})
SEARCH = Operation(20, FIND.label, PLAIN.call_tool(*FIND.wire), 1.0, FIND.command)
NAIVE = {"preset": "naive", "give_up": 2}


def opened(client: FakeAccountClient, **options: Any) -> Persona:
    made = make_persona("agent", client, (SEARCH,), options)
    assert isinstance(made, OpeningPersona)
    made.open()
    client.sent.clear()
    return made


def test_every_attempt_is_a_call_of_its_intent() -> None:
    client = FakeAccountClient()
    opened(client, preset="naive").arrive(41, 0.0, 0)
    for _ in range(9):
        for call in client.open_calls:
            answer(client, call, 503, "origin_unavailable")
    assert [(call.index, call.attempt) for call in client.calls] == [
        (41, 0),
        *((of_intent(41), number) for number in range(1, 6)),
    ]
    assert of_intent(of_intent(41)) == 41
    assert all(call.flags == Flag.EXTRA | Flag.RETRY for call in client.calls[1:])


def test_arrivals_go_out_whatever_became_of_those_before() -> None:
    client = FakeAccountClient()
    made = opened(client, **NAIVE)
    for index in range(30):
        made.arrive(index, index / 3, 0)
        client.advance(index / 3)
    arrivals = [call for call in client.calls if call.index >= 0]
    assert [call.planned for call in arrivals] == [index / 3 for index in range(30)]


def test_a_call_is_given_up_and_asked_again_until_the_deadline() -> None:
    client = FakeAccountClient()
    opened(client, **NAIVE, deadline=7).arrive(0, 0.0, 0)
    client.advance(60.0)
    assert [call.sent for call in client.calls] == [0.0, 2.0, 4.0, 6.0]
    assert not client.open_calls


@pytest.mark.parametrize("fan_out", [1, 12])
def test_a_call_that_is_over_is_not_waited_for(fan_out: int) -> None:
    """Patience may be minutes: each call of a run would stay until then, and be the collector's work."""
    client = FakeAccountClient()
    made = opened(client, give_up=300, fan_out=fan_out)
    for index in range(100):
        made.arrive(index, 0.0, 0)
        assert len(client.waiting) == fan_out
        for call in client.open_calls:
            answer(client, call)
        assert not client.waiting


def test_a_repeat_that_waits_for_a_session_is_not_given_up_before_it_left() -> None:
    client = FakeAccountClient()
    opened(client, give_up=2, retry_on=[]).arrive(0, 0.0, 0)
    call = client.calls[0]
    call.sent = NAN
    client.advance(2.5)
    assert call.outcome is None
    call.sent = 3.0
    client.advance(4.0)
    assert call.outcome is not None


@pytest.mark.parametrize(("version", "told"), [("2025-06-18", 1), ("2026-07-28", 0)])
def test_a_server_is_told_where_its_era_wants_that(version: str, told: int) -> None:
    client = FakeAccountClient(dialect=Dialect(version))
    opened(client, preset="sdk-typescript", give_up=1).arrive(0, 0.0, 0)
    client.advance(5.0)
    notices = [message for call, message in client.sent if call.tool == CANCELLED]
    assert len(notices) == told
    assert len(client.calls) == 1 + told  # it repeats nothing


def test_all_of_a_fan_out_must_succeed_or_the_whole_is_repeated() -> None:
    client = FakeAccountClient()
    opened(client, preset="fan-out", fan_out=3).arrive(7, 0.0, 0)
    first = client.open_calls
    assert [(call.index, call.flags) for call in first] == [(7, 0)] + [(of_intent(7), Flag.EXTRA)] * 2
    answer(client, first[0])
    answer(client, first[1], 500, "internal_error")
    assert len(client.calls) == 3  # one is still out
    answer(client, first[2])
    again = client.open_calls
    assert [(call.index, call.attempt) for call in again] == [(of_intent(7), 1)] * 3
    for call in again:
        answer(client, call)
    assert len(client.calls) == 6


def test_the_session_is_opened_anew_before_a_repeat() -> None:
    client = FakeAccountClient()
    opened(client, preset="naive", reopen=True).arrive(0, 0.0, 0)
    client.now = 1.5
    answer(client, client.calls[0], 0, "reset")
    assert client.reopened == [1.5]
    answer(client, client.open_calls[0])
    assert client.reopened == [1.5]


def test_a_stuck_loop_repeats_its_successes_and_there_is_one() -> None:
    client = FakeAccountClient()
    made = opened(client, preset="stuck-loop", deadline=10)
    made.arrive(0, 0.0, 0)
    made.arrive(1, 0.0, 0)  # falls into the loop: called once
    while client.now < 12:
        for call in client.open_calls:
            answer(client, call)
        client.advance(client.now + 0.5)
    assert len(client.retries) == 20
    assert {call.index for call in client.retries} == {of_intent(0)}
    made.arrive(2, client.now, 0)
    answer(client, client.open_calls[0])
    client.advance(client.now + 1)
    assert client.retries[-1].index == of_intent(2)


def test_arguments_vary_from_call_to_call() -> None:
    client = FakeAccountClient()
    made = opened(client, vary=True)
    for index in range(16):
        made.arrive(index, 0.0, 0)
    params = [json.loads(one.before + b"1" + one.after)["params"] for _, one in client.sent]
    assert {one["arguments"]["module"] for one in params} == {"notion"}
    assert len({one["arguments"]["params"]["query"] for one in params}) == 16


def test_what_varies_must_still_say_what_is_expected() -> None:
    client = FakeAccountClient()
    marked = SEARCH.message._replace(expect=OWN_NONCE)
    made = make_persona("agent", client, (Operation(20, FIND.label, marked),), {"vary": True})
    assert isinstance(made, OpeningPersona)
    made.open()
    client.sent.clear()
    for index in range(16):
        made.arrive(index, 0.0, 0)
    assert [message.expect for _, message in client.sent] == [OWN_NONCE] * 16


def test_what_cannot_vary_stays_as_it_is() -> None:
    client = FakeAccountClient()
    bare = ModuleCall(module="fast", tool="echo", params={"n": 1})
    made = make_persona("agent", client, (Operation(20, "x", PLAIN.call_tool(*bare.wire)),), {"vary": True})
    assert isinstance(made, OpeningPersona)
    made.open()
    made.arrive(0, 0.0, 0)
    assert client.sent[-1][1] == PLAIN.call_tool(*bare.wire)


@pytest.mark.parametrize(("options", "line"), [({"tell": True}, b"x-request-timeout: 2.5\r\n"), ({}, b"")])
def test_patience_goes_along_where_that_is_asked_for(options: dict[str, Any], line: bytes) -> None:
    client = FakeAccountClient()
    opened(client, give_up=2.5, **options).arrive(0, 0.0, 0)
    assert client.sent[0][1].headers == line
