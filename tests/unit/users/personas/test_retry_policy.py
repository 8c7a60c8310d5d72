"""Whether and when an agent repeats: by outcome, count, deadline and budget; waits and jitter."""

from __future__ import annotations

import math
from typing import Any

import pytest

from scenarios.agent_presets import PRESETS
from telemetry.recording.sample import REASON_CODE, Outcome
from users.personas.agent_options import AgentOptions, Kind
from users.personas.options import read_options
from users.personas.retry_policy import BUDGET_MOST, ENDLESS_LEAST, RetryPolicy, kind_of
from users.transport.call import Call

NONE = math.nan


def policy(number: int = 0, **options: Any) -> RetryPolicy:
    return RetryPolicy(read_options("agent", {"retry_on": ["timeout"], **options}, AgentOptions), number)


def waits(made: RetryPolicy, count: int = 6) -> list[float | None]:
    return [made.next("timeout", repeats, NONE, 0.0) for repeats in range(count)]


@pytest.mark.parametrize(
    ("outcome", "status", "reason", "given_up", "kind"),
    [
        (Outcome.OK, 200, "", False, "success"),
        (Outcome.ABORTED, 0, "", True, "timeout"),
        (Outcome.ABORTED, 0, "", False, None),  # the run was stopped
        (Outcome.DROPPED, 0, "EMFILE", False, None),
        (Outcome.FAILED, 0, "timeout", False, "timeout"),
        (Outcome.FAILED, 0, "reset", False, "connection"),
        (Outcome.FAILED, 429, "burst_exceeded", False, "throttled"),
        (Outcome.FAILED, 404, "http_error", False, "client-error"),
        (Outcome.FAILED, 503, "breaker_open", False, "server-error"),
        (Outcome.FAILED, 200, "tool_error", False, "tool-error"),
        (Outcome.FAILED, 200, "wrong_answer", False, "tool-error"),
        (Outcome.FAILED, 302, "redirect", False, "tool-error"),
    ],
)
def test_each_end_of_a_call_has_its_kind(
    outcome: Outcome, status: int, reason: str, given_up: bool, kind: Kind | None
) -> None:
    call = Call(0, 0.0, 0, 0, 0)
    call.outcome, call.status, call.reason = outcome, status, REASON_CODE[reason]
    assert kind_of(call, given_up) == kind


def test_waits_are_none_fixed_or_exponential_up_to_the_most() -> None:
    assert waits(policy(wait="none", retries=3), 5) == [0.0, 0.0, 0.0, None, None]
    assert waits(policy(wait="fixed", base=2, retries=2), 3) == [2.0, 2.0, None]
    assert waits(policy(wait="exponential", base=1, factor=3, most=10, retries=9), 4) == [1.0, 3.0, 9.0, 10.0]


def test_endless_is_without_end_but_never_without_a_wait() -> None:
    assert waits(policy(wait="none", retries="endless"), 2000)[-1] == ENDLESS_LEAST


def test_full_jitter_parts_the_accounts_and_repeats_itself() -> None:
    drawn = [waits(policy(number, wait="fixed", base=4, jitter="full"), 1)[0] for number in range(200)]
    told = [value for value in drawn if value is not None]
    assert all(0 <= value < 4 for value in told)
    assert len(set(told)) == 200
    assert abs(sum(told) / 200 - 2) < 0.3
    assert drawn[7] == waits(policy(7, wait="fixed", base=4, jitter="full"), 1)[0]


def test_what_the_server_asks_for_goes_before_it_unless_it_is_not_listened_to() -> None:
    assert policy(wait="none").next("timeout", 0, 7.0, 0.0) == 7.0
    assert policy(wait="none", retry_after=False).next("timeout", 0, 7.0, 0.0) == 0.0


def test_a_model_thinks_before_it_asks_again() -> None:
    drawn = sorted(
        policy(number, wait="none", think=2).next("timeout", 0, NONE, 0.0) or 0 for number in range(401)
    )
    assert abs(drawn[200] - 2) < 0.2  # the median
    assert drawn[-1] > 5
    assert 0 < drawn[0] < 0.5


def test_no_repeat_of_another_kind_nor_beyond_the_deadline() -> None:
    made = policy(wait="fixed", base=2, deadline=10, retries=99)
    assert made.next("throttled", 0, NONE, 0.0) is None
    assert made.next("timeout", 0, NONE, 8.0) == 2.0
    assert made.next("timeout", 0, NONE, 8.1) is None


def test_a_budget_is_earned_by_success() -> None:
    made = policy(wait="none", budget=0.5, retries="endless")
    assert waits(made, 5) == [ENDLESS_LEAST] * int(BUDGET_MOST) + [None, None]
    made.succeeded()
    assert made.next("timeout", 0, NONE, 0.0) is None
    made.succeeded()
    assert made.next("timeout", 0, NONE, 0.0) is not None
    assert made.next("timeout", 0, NONE, 0.0) is None
    for _ in range(100):
        made.succeeded()
    assert waits(made, 5)[int(BUDGET_MOST) :] == [None, None]


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_read_and_what_stands_beside_them_goes_first(name: str) -> None:
    read = read_options("agent", {"preset": name}, AgentOptions)
    for key, value in PRESETS[name].items():
        assert getattr(read, key) == value
    assert read_options("agent", {"preset": name, "give_up": 0.5}, AgentOptions).give_up == 0.5
