"""What a scenario sends: an agent's set of calls counts whole, and its repeats are told of."""

from __future__ import annotations

import math
from typing import Any

import pytest

from run.checks import calls_sent
from run.checks.calls_sent import CallsSent
from scenarios.schema import Scenario
from targets.schema import Target

TOOL = {"module": "fast", "tool": "echo", "params": {}}


def scenario(persona: str, **options: Any) -> Scenario:
    """100 arrivals in 10 s, 10 in each second."""
    group = {
        "name": "users", "accounts": {"count": 1}, "rate": 10, "tools": [TOOL],
        "persona": {"name": persona, "options": options},
    }  # fmt: skip
    return Scenario.model_validate({"name": "made", "title": "made", "duration": 10, "groups": [group]})


def target(**keys: Any) -> Target:
    return Target.model_validate({"name": "made", "base_url": "http://127.0.0.1:1", **keys})


@pytest.mark.parametrize(
    ("made", "sent"),
    [
        (scenario("caller"), CallsSent(100, 10, 100)),
        (scenario("impatient", after=1), CallsSent(100, 10, 100)),
        (scenario("agent", retries=0, fan_out=3), CallsSent(300, 30, 300)),
        (scenario("agent", preset="fan-out"), CallsSent(1_200, 120, 4_800)),
        (scenario("agent", preset="sdk-python"), CallsSent(100, 10, 100)),
        (scenario("agent", preset="stuck-loop"), CallsSent(100, 10, math.inf)),
    ],
)
def test_an_arrival_is_all_that_is_sent_for_it(made: Scenario, sent: CallsSent) -> None:
    assert calls_sent.of(made) == sent


def test_what_a_person_reads() -> None:
    plain = "100 requests in 10 s, at most 10 in a second, from 1 accounts"
    assert calls_sent.told(scenario("caller"), target()) == plain
    on_top = "; what accounts open and end with comes on top"
    assert calls_sent.told(scenario("caller"), target(protocol="2025-11-25")) == plain + on_top
    told = calls_sent.told(scenario("agent", preset="naive"), target(max_rps=50))
    repeats, bound = "; with repeats 600 at most, more of them in a second", "; never more than max_rps 50"
    assert told == f"{plain}{repeats}{on_top}{bound} in a second, all included"
    endless = calls_sent.told(scenario("agent", preset="stuck-loop"), target())
    assert endless == f"{plain}; repeats come on top, without end{on_top}"
