"""How long a target's tools take in the quiet before load: which are called, and what is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from run.checks import quiet
from run.checks.talk import RequestResult, Talk
from run.target_tools import with_tools
from scenarios.load import load
from scenarios.overrides import Overrides
from targets.schema import Target
from users.mcp.dialect import PLAIN, Dialect
from users.mcp.operations import Operation

NAN = math.nan
SLOW = {"name": "search", "arguments": {}}
FAST = {"name": "echo", "arguments": {}}


def took(seconds: float, reason: str = "", upstream: float = NAN) -> RequestResult:
    return RequestResult("", 200, reason, seconds, limits={"upstream_s": upstream})


@dataclass
class Scripted:
    """A talk in which each tool answers so, call for call."""

    answers: dict[str, list[RequestResult]]
    dialect: Dialect = PLAIN
    called: list[str] = field(default_factory=list)

    def call(self, what: str, operation: Operation) -> RequestResult:
        self.called.append(operation.label)
        return self.answers[operation.label].pop(0)


def measured(scenario: str, talk: Scripted, **tools: Any) -> dict[str, float]:
    target = Target.model_validate({"name": "mine", "base_url": "http://127.0.0.1:1", **tools})
    called = with_tools(load(scenario, Overrides.read({})), target)
    return dict(quiet.measure(called, target, cast(Talk, talk)))


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ([took(2.6), took(2.5)], {"search": 2.5}),
        ([took(1.4), took(0.02)], {}),  # it was the first of a cold start
        ([took(0.02)], {}),
        ([took(2.6), took(0.001, "burst_exceeded")], {"search": 2.6}),
        ([took(9.0, "timeout")], {}),
        ([took(2.5, upstream=2.48), took(2.5, upstream=2.48)], {}),  # the target tells it itself
    ],
)
def test_one_tool_for_all_is_measured_whatever_a_scenario_takes_it_for(
    answers: list[RequestResult], found: dict[str, float]
) -> None:
    """`burst` calls a fast tool: its target has a slow one alone."""
    talk = Scripted({"search": list(answers)})
    assert measured("burst", talk, tool=SLOW) == found
    assert len(talk.called) == (2 if answers[0].took_s >= 1 and not answers[0].reason else 1)


@pytest.mark.parametrize(("scenario", "called"), [("slow-api", ["search"]), ("burst", [])])
def test_of_tools_that_the_file_tells_apart_the_slow_one_is_called_once(
    scenario: str, called: list[str]
) -> None:
    talk = Scripted({"search": [took(0.4)]})
    assert measured(scenario, talk, tools={"slow": SLOW, "fast": FAST}) == dict.fromkeys(called, 0.4)
    assert talk.called == called


@pytest.mark.parametrize("tools", [{"tool": None}, {}])
def test_a_scenario_that_calls_no_slow_tool_calls_none_of_its_own_before_load(tools: dict[str, Any]) -> None:
    talk = Scripted({})
    assert measured("burst", talk, **tools) == {}


def test_where_response_times_are_not_asked_for_one_tool_is_not_called_before_load() -> None:
    talk = Scripted({})
    assert measured("single-burst", talk, tool=SLOW) == {}


def test_what_a_group_calls_slow_is_kept_however_long_it_takes() -> None:
    """The users of `slow-api` take the same tool for a fast one and for a slow one."""
    talk = Scripted({"search": [took(0.4)]})
    assert measured("slow-api", talk, tool=SLOW) == {"search": 0.4}


def test_where_the_target_tells_it_itself_nothing_is_kept() -> None:
    talk = Scripted({"search": [took(2.5, upstream=2.48)]})
    assert measured("slow-api", talk, tools={"slow": SLOW, "fast": FAST}) == {}
