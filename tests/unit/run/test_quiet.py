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
    return dict(quiet.measure(with_tools(load(scenario, Overrides.read({})), target), cast(Talk, talk)))


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


def test_slow_tools_are_called_first_and_once_and_kept_however_long_they_take() -> None:
    talk = Scripted({"search": [took(0.4)], "echo": [took(0.02)]})
    assert measured("slow-api", talk, tools={"slow": SLOW, "fast": FAST}) == {"search": 0.4}
    assert talk.called == ["search", "echo"]


def test_where_the_first_answer_tells_its_own_time_the_others_are_not_called() -> None:
    talk = Scripted({"search": [took(2.5, upstream=2.48)]})
    assert measured("slow-api", talk, tools={"slow": SLOW, "fast": FAST}) == {}
    assert talk.called == ["search"]
