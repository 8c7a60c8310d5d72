"""L2 on made series with noise: a leak is found with its slope, what comes back or settles is none."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from tests.support.synthetic_run import Spec, write
from verdicts.measure.target import growth, rests
from verdicts.measure.target.straight_line import fitted
from verdicts.points.point import Finding
from verdicts.points.registry import POINTS
from verdicts.run.reading import Run, load

RSS: Final = "process_resident_memory_bytes"
FDS: Final = "process_open_fds"
SESSIONS: Final = "mcpist_sessions_open"
STREAMS: Final = 'mcpist_streams_open{kind="get"}'
WAVES: Final = Spec("waves", duration=291.0, rate=0.1, accounts=10, chances={})
Told = Mapping[str, Callable[[int, float], float]]
"""Metric → its value after so many calls, at that second."""


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five waves of 630 calls, and a sixth that only begins; each test tells its own of origin-a."""
    return write(tmp_path_factory.mktemp("waves") / "run", WAVES)


def made(waves: Path, folder: Path, told: Told) -> Run:
    """The run with `told`, noise and all."""
    shutil.copytree(waves, folder / "run")
    sent = np.sort(load(folder / "run").samples["sent"].whole())
    file = folder / "run" / "target.jsonl"
    scrapes = [json.loads(line) for line in file.read_text().splitlines()]
    for scrape in scrapes:
        if scrape["source"] == "origin-a":
            t, calls = scrape["t"], int(np.searchsorted(sent, scrape["t"]))
            scrape["values"] |= {name: value(calls, t) for name, value in told.items()}
    file.write_text("".join(json.dumps(scrape) + "\n" for scrape in scrapes))
    return load(folder / "run")


def found(run: Run) -> Finding:
    finding = POINTS["L2"].find(run)
    assert isinstance(finding, Finding)
    return finding


def noisy(level: float, spread: float, slope: float = 0.0, seed: int = 1) -> Callable[[int, float], float]:
    """A level that grows by the call, and jumps about."""
    random = np.random.default_rng(seed)
    return lambda calls, t: level + slope * calls + random.normal(0.0, spread)


def in_waves(t: float, value: float) -> float:
    """It stands during the waves alone."""
    return value if t % 58 < 30 else 0.0


def test_rests_lie_between_the_waves(waves: Path, tmp_path: Path) -> None:
    spans = rests.of(made(waves, tmp_path, {}))
    assert [(round(rest.start), round(rest.end)) for rest in spans] == [
        (30 + 58 * k, 58 + 58 * k) for k in range(5)
    ]
    assert [rest.calls for rest in spans] == [630 * k for k in range(1, 6)]
    t = np.arange(0.0, 60.0)
    assert spans[0].level(t, 100.0 - t) == 100.0 - 58  # its lowest, of the second half
    assert math.isnan(spans[1].level(t, t))


@pytest.mark.parametrize("seed", range(20))
def test_ten_kilobytes_a_session_are_found_in_five_minutes(waves: Path, tmp_path: Path, seed: int) -> None:
    run = made(waves, tmp_path, {RSS: noisy(80e6, 1e6, 10_240.0, seed), FDS: noisy(40.0, 0.5, 0.0, seed)})
    finding = found(run)
    assert (finding.value, finding.figures["leaks"]) == (1, 1)
    (memory,) = (one for one in growth.all_of(run) if one.what == "memory")
    assert memory.least < 10_240 < memory.most
    assert finding.figures["memory"] == pytest.approx(10_240, rel=0.1)
    assert "origin-a: memory grows by" in finding.evidence
    assert finding.rows[0]["grows"] == "yes"


def test_one_in_a_hundred_calls_is_found_whatever_it_leaves(waves: Path, tmp_path: Path) -> None:
    told: Told = {
        name: (lambda calls, t: 30 + calls // 100)
        for name in (SESSIONS, STREAMS, FDS, "mcpist_tasks")
    }  # fmt: skip
    finding = found(made(waves, tmp_path, told))
    assert finding.figures["leaks"] == 4
    for what in ("sessions", "streams", "connections", "goroutines"):
        assert finding.figures[what] == pytest.approx(0.01, rel=0.02)
        assert f"origin-a: {what} grow by 1" in finding.evidence


def test_what_comes_back_in_each_rest_does_not_grow(waves: Path, tmp_path: Path) -> None:
    told: Told = {
        SESSIONS: lambda calls, t: 50 + in_waves(t, 400.0),
        RSS: lambda calls, t: 80e6 + in_waves(t, 2e7),
        FDS: noisy(60.0, 1.0),
    }
    finding = found(made(waves, tmp_path, told))
    assert (finding.value, finding.figures["leaks"]) == (0, 0)
    assert finding.evidence.startswith("None grows (5 series over 5 rests")
    assert "Memory could grow by 0 bytes a call at most" in finding.evidence


@pytest.mark.parametrize(
    "levels",
    [
        [80e6, 80e6, 81e6, 81e6, 81e6],  # a step
        [80e6, 80.6e6, 80.9e6, 81e6, 81e6],  # it settles
        [82e6, 81e6, 80e6, 80e6, 80e6],  # it falls
    ],
)
def test_a_step_and_a_level_that_settles_are_no_leak(
    waves: Path, tmp_path: Path, levels: list[float]
) -> None:
    finding = found(made(waves, tmp_path, {RSS: lambda calls, t: levels[min(int(t // 58), 4)]}))
    assert finding.figures["leaks"] == 0


def test_what_is_too_unsteady_to_tell_is_not_passed(waves: Path, tmp_path: Path) -> None:
    finding = found(made(waves, tmp_path, {RSS: noisy(80e6, 8e7)}))
    assert finding.value == 0
    assert math.isnan(finding.figures["leaks"])
    assert "Too unsteady to tell: origin-a memory." in finding.evidence


def test_intervals_hold_together_over_all_series() -> None:
    """On nothing but noise, one run in twenty at most takes any series for one that grows."""
    random, calls = np.random.default_rng(7), np.arange(630.0, 3151.0, 630.0)
    series, alarms = 17, 0
    for _ in range(400):
        lines = [fitted(calls, random.normal(0.0, 1e7, 5), 1 - growth.ERROR / series) for _ in range(series)]
        alarms += any(line.slope - line.margin > 0 for line in lines)
    assert alarms / 400 <= 0.05


def test_a_run_without_rests_says_what_it_takes(tmp_path: Path) -> None:
    finding = found(load(write(tmp_path / "run", Spec(duration=12.0))))
    assert not finding.seen
    assert "four rests or more" in finding.evidence


def test_what_the_seeded_leaks_kept_stands_beside(waves: Path, tmp_path: Path) -> None:
    told: dict[str, Any] = {
        SESSIONS: lambda calls, t: calls // 50,
        'mcpist_bug_leaks_total{bug="leak-session"}': lambda calls, t: calls // 50,
    }
    assert "The seeded leaks kept 63 things." in found(made(waves, tmp_path, told)).evidence


def test_calls_that_were_recorded_in_any_order_give_the_same_rests(waves: Path, tmp_path: Path) -> None:
    backwards = replace(WAVES, change=lambda samples: samples[::-1])
    other = load(write(tmp_path / "backwards", backwards))
    assert rests.of(made(waves, tmp_path, {})) == rests.of(other)
