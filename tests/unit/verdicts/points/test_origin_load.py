"""P1.5 where origins are not asked alike: one is down for a while."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.p0_runs import Scrape, asked, judged, result
from tests.support.synthetic_run import Spec
from verdicts.judge.judge import Judgement

COUNTER = 'mcpist_requests_total{method="POST",path="/v1/mcp",status="200"}'


def told(folder: Path, scrapes: list[Scrape]) -> Judgement:
    spec = asked({"P1.5": "peak <= 150 req/s"}, Spec(duration=20.0, chances={}, probes=False))
    return judged(folder, spec, scrapes)


def steady(source: str, rate: float, times: range) -> list[Scrape]:
    return [(t + 0.004, source, {COUNTER: rate * t}) for t in times]


def test_what_the_other_one_got_while_the_first_was_down_is_in_the_peak(tmp_path: Path) -> None:
    """A tells nothing from 5 to 15 s; B takes 200 a second from 8 to 12 s."""
    first = [*steady("origin-a", 50, range(6)), *steady("origin-a", 50, range(15, 21))]
    other = [(t + 0.006, "origin-b", {COUNTER: 200.0 * min(max(t - 8, 0), 4)}) for t in range(21)]
    found = result(told(tmp_path, [*first, *other]), "P1.5")
    assert found.status == "fail"
    assert found.figures["peak"] == pytest.approx(250, abs=1)


def test_origins_side_by_side_are_added_up(tmp_path: Path) -> None:
    both = [*steady("origin-a", 60, range(21)), *steady("origin-b", 70, range(21))]
    found = result(told(tmp_path, both), "P1.5")
    assert found.status == "pass"
    assert found.figures["peak"] == pytest.approx(130)
