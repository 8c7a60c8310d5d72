"""The agent: one tool for ever, a 429 repeated as it is unless told otherwise, batches."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.tool_call import ModuleCall
from telemetry.recording.sample import Flag, of_intent
from tests.support.fake_account_client import FakeAccountClient, answer
from users.accounts.accounts import Account
from users.mcp.dialect import PLAIN
from users.mcp.operations import BATCH, LIST, LIST_TOOLS, Operation
from users.personas.caller import DRAWS
from users.personas.persona import OpeningPersona, Persona, make_persona
from users.personas.retry_policy import MAX_WAIT

AT_ONCE = {"wait": "none", "retry_after": False}

FIND = ModuleCall(module="notion", tool="search", params={"query": "x"})
READ = ModuleCall(module="jira", tool="get_issue")
SEARCH = Operation(5, FIND.label, PLAIN.call_tool(*FIND.wire), 1.0, FIND.command)
ISSUE = Operation(6, READ.label, PLAIN.call_tool(*READ.wire), 3.0, READ.command)


def agent(
    client: FakeAccountClient, options: dict[str, Any] | None = None, tools: tuple[Operation, ...] = (SEARCH,)
) -> Persona:
    made = make_persona("agent", client, tools, options or {})
    assert isinstance(made, OpeningPersona)
    made.open()
    return made


def opened(client: FakeAccountClient, options: dict[str, Any]) -> Persona:
    """An agent that has looked around, and forgotten it."""
    made = agent(client, options)
    client.sent.clear()
    return made


def test_looks_around_before_load() -> None:
    client = FakeAccountClient()
    agent(client)
    assert [call.tool for call in client.calls] == [LIST]
    assert all(call.index == -1 and call.flags & Flag.EXTRA for call in client.calls)
    assert not client.retries


def test_repeats_the_same_call_whatever_the_draw() -> None:
    client = FakeAccountClient()
    made = agent(client, tools=(SEARCH, ISSUE))
    for index, draw in enumerate((0, 7, DRAWS // 2, DRAWS - 1)):
        made.arrive(index, index / 5, draw)
    arrivals = [(call, message) for call, message in client.sent if call.index >= 0]
    assert len({message for _, message in arrivals}) == 1
    assert [call.index for call, _ in arrivals] == [0, 1, 2, 3]
    assert [call.planned for call, _ in arrivals] == [0.0, 0.2, 0.4, 0.6]


def test_accounts_share_the_tools_by_weight() -> None:
    chosen = []
    for number in range(400):
        client = FakeAccountClient(Account(number, "a", "198.51.100.1", "unlimited", 0))
        agent(client, tools=(SEARCH, ISSUE)).arrive(0, 0.0, 0)
        chosen.append(client.calls[-1].tool)
    assert abs(chosen.count(ISSUE.code) - 300) <= 4


@pytest.mark.parametrize(("told", "seconds"), [(7.0, 7.0), (math.nan, 1.0), (-3.0, 0.0), (1e9, MAX_WAIT)])
def test_honours_retry_after(told: float, seconds: float) -> None:
    client = FakeAccountClient()
    made = opened(client, {"deadline": 3600})
    made.arrive(0, 0.0, 0)
    answer(client, client.calls[0], 429, "rate_limit_exceeded", told)
    client.advance(max(seconds - 0.001, 0.0) if seconds else 0.0)
    assert len(client.retries) == (0 if seconds else 1)
    client.advance(seconds)
    (retry,) = client.retries
    assert (retry.index, retry.attempt, retry.sent) == (of_intent(0), 1, seconds)
    assert retry.flags == Flag.EXTRA | Flag.RETRY


def test_ignore_lets_it_be() -> None:
    client = FakeAccountClient()
    made = opened(client, {"retry_on": []})
    made.arrive(0, 0.0, 0)
    answer(client, client.calls[0], 429, "burst_exceeded", 1.0)
    client.advance(100.0)
    assert len(client.calls) == 1


@pytest.mark.parametrize("status", [200, 401, 403, 500, 502, 503, 504])
def test_repeats_nothing_but_a_429(status: int) -> None:
    client = FakeAccountClient()
    made = opened(client, AT_ONCE)
    made.arrive(0, 0.0, 0)
    answer(client, client.calls[0], status, "" if status == 200 else "http_error", 1.0)
    client.advance(100.0)
    assert len(client.calls) == 1


def test_repeats_are_bounded() -> None:
    client = FakeAccountClient()
    made = opened(client, {**AT_ONCE, "retries": 2})
    made.arrive(0, 0.0, 0)
    for _ in range(10):
        for call in client.open_calls:
            answer(client, call, 429, "burst_exceeded", 1.0)
    assert [call.attempt for call in client.calls] == [0, 1, 2]


@given(
    policy=st.sampled_from([{}, AT_ONCE, {"retry_on": []}]),
    retries=st.integers(0, 10),
    refusals=st.lists(st.booleans(), max_size=60),
)
def test_every_arrival_goes_out_and_repeats_keep_their_bound(
    policy: dict[str, Any], retries: int, refusals: list[bool]
) -> None:
    client = FakeAccountClient()
    made = opened(client, {**policy, "retries": retries})
    for index, refused in enumerate(refusals):
        made.arrive(index, client.now, 0)
        for call in client.open_calls:
            answer(client, call, 429 if refused else 200, "burst_exceeded" if refused else "", 1.0)
        client.advance(client.now + 0.2)
    arrivals = [call for call in client.calls if call.index >= 0]
    assert [call.index for call in arrivals] == list(range(len(refusals)))
    assert len(client.retries) <= (0 if "retry_on" in policy else retries * len(refusals))
    assert all(1 <= call.attempt <= retries for call in client.retries)


def test_batches_by_share_hold_ten_of_the_same_call() -> None:
    client = FakeAccountClient()
    made = opened(client, {"batch_share": 0.25})
    for index in range(100):
        made.arrive(index, 0.0, index * DRAWS // 100)
    batches = [message for call, message in client.sent if call.tool == BATCH]
    assert len(batches) == 25
    body = json.loads(batches[0].before + b"1" + batches[0].after)
    lines = body["params"]["arguments"]["commands"].splitlines()
    assert [json.loads(one) for one in lines] == [SEARCH.command] * 10


def test_what_no_batch_can_hold_is_called_alone() -> None:
    client = FakeAccountClient()
    made = agent(client, {"batch_share": 1.0}, (LIST_TOOLS,))
    made.arrive(0, 0.0, 0)
    assert client.calls[-1].tool == LIST


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"retry_on": ["panic"]}, "retry_on: ['panic'], allowed: of throttled, client-error, server-error"),
        ({"retry_on": "throttled"}, "retry_on: 'throttled', allowed: of throttled"),
        (
            {"preset": "rude"},
            "preset: 'rude', allowed: naive, polite, sdk-python, sdk-typescript, stuck-loop",
        ),
        ({"retries": 1001}, "retries: 1001, allowed: a whole number, 0 to 1000, or endless"),
        ({"retries": True}, "retries: True, allowed: a whole number, 0 to 1000, or endless"),
        ({"wait": "long"}, "wait: 'long', allowed: none, fixed, exponential"),
        ({"fan_out": 0}, "fan_out: 0, allowed: a whole number, 1 to 100"),
        ({"deadline": 0}, "deadline: 0, allowed: up to 3600 seconds"),
        ({"batch_share": -0.1}, "batch_share: -0.1, allowed: 0 to 1"),
        ({"batch_share": "all"}, "batch_share: 'all', allowed: 0 to 1"),
        ({"batch": 1}, "unknown option 'batch', allowed: preset, retry_on, retries, wait"),
    ],
)
def test_bad_options_are_one_clear_line(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=r"^persona agent: ") as error:
        make_persona("agent", FakeAccountClient(), (SEARCH,), options)
    assert told in str(error.value)
