"""Five short waves on an origin with four seeded leaks: each is found, with the slope that it counts."""

from __future__ import annotations

from typing import Any, Final

import pytest

from scenarios.load import load as scenario
from tests.support.short_run import ShortRun
from verdicts.measure.target import growth
from verdicts.run.reading import Run, load

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
SHARES: Final = {"leak-memory": 0.55, "leak-goroutine": 0.15, "leak-session": 0.15, "leak-connection": 0.15}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Waves and rests of three seconds, at twice the rate."""
    folder = tmp_path_factory.mktemp("waves")
    (visitors, listeners) = scenario("waves").dump()["groups"]

    def shape() -> dict[str, Any]:
        return {"kind": "waves", "params": {"for": 3, "rest": 3}}

    groups = [{**visitors, "rate": 0.5, "shape": shape()}, {**listeners, "shape": shape()}]
    stack = {"mcp": {"sessions": "memory"}, "bugs": SHARES}
    made = ShortRun(folder, "waves", own_stack=True, duration="31s", groups=groups, stack=stack)
    assert (made.code, made.status("L2")) == (1, "fail")
    return load(made.folder)


@pytest.mark.parametrize(
    ("bug", "what"),
    [("leak-goroutine", "goroutines"), ("leak-session", "sessions"), ("leak-connection", "connections")],
)
def test_what_a_leak_keeps_is_the_slope_that_is_found(run: Run, bug: str, what: str) -> None:
    (line,) = (one for one in growth.all_of(run) if (one.source, one.what) == ("origin-a", what))
    counted = run.target.sum("mcpist_bug_leaks_total", "origin-", bug=bug)
    assert line.grows
    assert line.least <= counted / line.calls[-1] * 1.1
    assert line.most >= counted / line.calls[-1] * 0.9


def test_what_does_not_leak_does_not_grow(run: Run) -> None:
    growing = {one.source for one in growth.all_of(run) if one.grows and one.what != "memory"}
    assert growing <= {"origin-a", "upstream"}  # the upstream has the other end of the connections
