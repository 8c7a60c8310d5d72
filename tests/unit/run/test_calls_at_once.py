"""The most calls that a scenario can have in flight at once, and what is said of the edge's room for them."""

from __future__ import annotations

from typing import Any

import pytest

from run.checks import calls_at_once
from scenarios.schema import Scenario
from targets.schema import Target

TARGET = Target.model_validate({"name": "made", "base_url": "http://127.0.0.1:1"})
TOOL = {"module": "fast", "tool": "echo", "params": {}}


def scenario(rate: float, duration: float, persona: dict[str, Any] | None = None, **keys: Any) -> Scenario:
    group = {"name": "users", "accounts": {"count": 1}, "rate": rate, "tools": [TOOL]}
    if persona:
        group["persona"] = persona
    return Scenario.model_validate(
        {"name": "made", "title": "made", "duration": duration, "groups": [group], **keys}
    )


@pytest.mark.parametrize(
    ("made", "calls"),
    [
        (scenario(100, 10), 1_000),
        (scenario(100, 60), 3_500),  # the target's timeout of 35 s
        (scenario(100, 60, timeout=5), 3_000),  # the edge's of 30 s
        (scenario(100, 60, timeout=5, stack={"edge": {"forward_timeout": 2}}), 500),
        (scenario(100, 60, {"name": "agent", "options": {"fan_out": 3, "retries": 0}}), 10_500),
        (scenario(100, 60, {"name": "agent", "options": {"preset": "naive", "give_up": 2}}), 21_000),
        (scenario(100, 60, {"name": "agent", "options": {"preset": "naive", "give_up": 20}}), 7_000),
        (scenario(100, 60, {"name": "agent", "options": {"retries": "endless", "give_up": 7}}), 17_500),
        (scenario(100, 60, {"name": "impatient", "options": {"after": 1}}), 3_500),
    ],
)
def test_arrivals_of_the_longest_time_that_a_call_is_held(made: Scenario, calls: int) -> None:
    assert calls_at_once.most(made, TARGET) == calls


def test_one_line_where_one_process_has_too_few_files() -> None:
    one = {"processes": 1, "open_files": 20_000, "calls": 4_500}
    two = {"processes": 2, "open_files": 20_000, "calls": 9_000}
    few = {"processes": 8, "open_files": 400, "calls": 720}
    assert calls_at_once.told(one, 4_500) == ""
    assert calls_at_once.told(two, 6_000) == (
        "up to 6,000 calls in flight: the edge has 2 processes of 20,000 open files, enough for 9,000; "
        "each takes calls, as an isolate of its own, once those before it are half full"
    )
    assert calls_at_once.told(few, 6_000).endswith("enough for 720; with more than these it ends (ulimit -n)")
