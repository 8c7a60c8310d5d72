"""Calls at once, from samples: by hand, and beside a slow oracle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.recording.sample import Outcome
from tests.support.synthetic_run import Samples, Spec, fail, write
from verdicts.measure.calls import concurrency, percentiles
from verdicts.run.reading import Floats, Run, load

SLOW_CALLS = Spec(duration=10.0, rate=1.0, accounts=4, chances={}, service=3.0, upstream=2.95)


def of(*values: float) -> Floats:
    return np.array(values, dtype=np.float64)


def loaded(folder: Path, spec: Spec) -> Run:
    return load(write(folder / "run", spec))


@pytest.mark.parametrize(
    ("starts", "ends", "most"),
    [
        ((), (), 0),
        ((0.0,), (1.0,), 1),
        ((0.0, 1.0), (1.0, 2.0), 1),  # one ends as the other starts
        ((0.0, 0.5), (1.0, 2.0), 2),
        ((0.0, 0.0, 0.0), (3.0, 3.0, 3.0), 3),
        ((5.0, 0.0), (1.0, 2.0), 1),  # what ends before it starts never was
        ((1.0,), (1.0,), 0),
    ],
)
def test_peak(starts: tuple[float, ...], ends: tuple[float, ...], most: int) -> None:
    assert concurrency.peak(of(*starts), of(*ends)) == most


SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=30)


@given(SPANS)
def test_peak_is_the_most_at_any_instant(spans: list[tuple[int, int]]) -> None:
    starts, ends = of(*(float(a) for a, _ in spans)), of(*(float(b) for _, b in spans))
    at_once = [sum(a <= t + 0.5 < b for a, b in spans) for t in range(31)]
    assert concurrency.peak(starts, ends) == max(at_once)


def true_peak(samples: Samples, begun: Floats) -> int:
    return concurrency.peak(begun, begun + samples["upstream_s"].astype(np.float64))


def test_the_truth_lies_between_the_bounds(tmp_path: Path) -> None:
    run = loaded(tmp_path, SLOW_CALLS)
    found = concurrency.bounds(run, concurrency.slow(run))
    samples = run.samples[np.ones(len(run.samples), np.bool_)]
    slack = samples["done"] - samples["sent"] - samples["upstream_s"]
    for share in (0.0, 0.3, 1.0):
        truth = true_peak(samples, samples["sent"] + share * slack)
        assert found.least <= truth <= found.most


def silent(samples: Samples) -> Samples:
    """Of a target that tells no `Server-Timing`."""
    samples["upstream_s"] = np.nan
    return samples


def test_without_the_upstream_s_word_nothing_is_certain(tmp_path: Path) -> None:
    run = loaded(tmp_path, replace(SLOW_CALLS, change=silent, manifest={"quiet": {"fast.echo": 3.0}}))
    found = concurrency.bounds(run, concurrency.slow(run))
    assert found.least == 0
    assert found.most > 0


def test_refused_calls_do_not_run(tmp_path: Path) -> None:
    def refuse_half(samples: Samples) -> Samples:
        fail(samples, np.arange(len(samples)) % 2 == 1, "breaker_open")
        return samples

    run = loaded(tmp_path, replace(SLOW_CALLS, change=refuse_half))
    assert concurrency.ran(run).sum() == len(run.samples) // 2
    assert set(concurrency.by_account(run, concurrency.slow(run))) == {0, 2}


def test_a_fast_tool_is_not_slow(tmp_path: Path) -> None:
    run = loaded(tmp_path, replace(SLOW_CALLS, service=0.5, upstream=0.02))
    assert concurrency.slow_tools(run) == ()
    assert not concurrency.slow(run).any()


@pytest.mark.parametrize(("quiet", "slow"), [({}, ()), ({"fast.echo": 0.9}, ()), ({"fast.echo": 1.0}, (0,))])
def test_what_an_attack_makes_slow_is_no_slow_tool(
    tmp_path: Path, quiet: dict[str, float], slow: tuple[int, ...]
) -> None:
    """Nobody tells its own time: what it took in the quiet says it, not what it takes under load."""
    run = loaded(tmp_path, replace(SLOW_CALLS, change=silent, manifest={"quiet": quiet}))
    assert concurrency.slow_tools(run) == slow


def test_failed_calls_say_nothing_of_a_tools_own_time(tmp_path: Path) -> None:
    def stuck(samples: Samples) -> Samples:
        samples["upstream_s"] = 0.02
        half = np.arange(len(samples)) % 3 != 0
        fail(samples, half, "timeout")
        samples["upstream_s"][half] = 30.0
        return samples

    assert concurrency.slow_tools(loaded(tmp_path, replace(SLOW_CALLS, change=stuck))) == ()


def test_a_tool_that_the_scenario_calls_slow_is_so_where_nothing_says_otherwise(tmp_path: Path) -> None:
    spec = replace(SLOW_CALLS, scenario="burst-slow", change=silent, manifest={"tools": ["notion.search"]})
    assert concurrency.slow_tools(loaded(tmp_path / "unknown", spec)) == (0,)
    quick = replace(spec, manifest={**spec.manifest, "quiet": {"notion.search": 0.1}})
    assert concurrency.slow_tools(loaded(tmp_path / "quick", quick)) == ()


def test_a_slow_tool_of_which_no_call_was_answered_is_not_lost_beside_one_that_answered(
    tmp_path: Path,
) -> None:
    """`nano-oom-90s` ends before any of its spammers' calls does: of those the scenario alone speaks."""

    def unanswered(samples: Samples) -> Samples:
        spam = samples["account"] % 2 == 0
        samples["tool"][~spam] = 1
        samples["outcome"][spam], samples["status"][spam] = Outcome.ABORTED, 0
        samples["upstream_s"][spam] = np.nan
        return samples

    tools = {"tools": ["notion.search", "jira.get_issue"]}
    run = loaded(tmp_path, replace(SLOW_CALLS, scenario="nano-oom-90s", change=unanswered, manifest=tools))
    assert concurrency.slow_tools(run) == (0, 1)
    assert set(concurrency.by_account(run, concurrency.slow(run))) == {0, 1, 2, 3}


def test_what_the_gateway_adds_is_held_against_the_quiet(tmp_path: Path) -> None:
    spec = replace(SLOW_CALLS, change=silent, manifest={"quiet": {"fast.echo": 2.0}})
    run = loaded(tmp_path, spec)
    added = np.asarray(percentiles.overhead(run, run.ok))
    assert added == pytest.approx(np.asarray(percentiles.response(run, run.ok)) - 2.0)


def test_bounds_in_words() -> None:
    assert str(concurrency.Bounds(1500, 1500)) == "1,500"
    assert str(concurrency.Bounds(49, 51)) == "49 to 51"
