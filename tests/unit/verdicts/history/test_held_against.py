"""BASELINE=history: the run's own series is its baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.compare_runs import SPEC, crowd, folder, noisy
from verdicts.compare import baseline
from verdicts.history import held_against, record, store
from verdicts.history.entry import HistoryRun
from verdicts.judge.judge import Judgement, judge
from verdicts.points.point import PointResult
from verdicts.run.reading import load

QUIET = replace(SPEC, change=noisy(1, 1.0, 0.0))


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> HistoryRun:
    """The history's line of a run without noise of its own."""
    return record.entry(judge(load(folder(tmp_path_factory.mktemp("known"), 0, QUIET))))


def like(known: HistoryRun, factors: Sequence[float], noise: float = 0.005) -> list[HistoryRun]:
    """Runs whose times are so many times its own, with a noise between runs."""
    random = np.random.default_rng(1)
    return [
        replace(
            known,
            run=f"run-{number}",
            started=known.started + number,
            figures=tuple(
                one._replace(value=one.value * factor * float(np.exp(noise * random.normal())))
                if one.id in ("p50", "p95", "p99")
                else one
                for one in known.figures
            ),
        )
        for number, factor in enumerate(factors)
    ]


def held(
    tmp_path: Path, runs: Sequence[HistoryRun], slower: float = 1.0, *, crowded: bool = False
) -> Judgement:
    """A run held against a history of these."""
    now = folder(tmp_path, 99, replace(SPEC, change=noisy(99, slower, 0.0)))
    if crowded:
        crowd(now)
    key = record.key_of(load(now))
    for run in runs:
        store.append(tmp_path / "history", run)
    baseline.write(now, held_against.make(tmp_path / "history", key))
    return judge(load(now))


def points(judged: Judgement) -> dict[str, PointResult]:
    return {one.id.partition(".")[2]: one for one in judged.points if one.question.id == "baseline"}


def failed(judged: Judgement) -> set[str]:
    return {id for id, one in points(judged).items() if one.status == "fail"}


def test_the_first_runs_of_an_attack_pass(tmp_path: Path, known: HistoryRun) -> None:
    judged = held(tmp_path, [], slower=3.0)
    found = points(judged)
    assert judged.exit_code == 0
    assert {one.status for one in found.values()} == {"info"}
    assert found[""].evidence == "The history has no run of this attack yet."
    found = points(held(tmp_path / "three", like(known, [1.0] * 3), slower=3.0))
    assert "its level in the history has 3 runs, a bound needs 4" in found["p95"].evidence


def test_an_equal_run_passes_and_one_twice_as_slow_fails_at_once(tmp_path: Path, known: HistoryRun) -> None:
    runs = like(known, [1.0] * 12)
    assert failed(held(tmp_path / "a", runs)) == set()
    judged = held(tmp_path / "b", runs, slower=2.0)
    assert failed(judged) == {"p50", "p95", "p99"}
    assert judged.exit_code == 1
    assert "bound by the spread of 12 runs" in points(judged)["p95"].evidence


def test_a_step_of_5_percent_fails_with_its_third_run(tmp_path: Path, known: HistoryRun) -> None:
    before = [1.0] * 20
    assert failed(held(tmp_path / "first", like(known, before), slower=1.05)) == set()
    assert failed(held(tmp_path / "second", like(known, [*before, 1.05]), slower=1.05)) == set()
    judged = held(tmp_path / "third", like(known, [*before, 1.05, 1.05]), slower=1.05)
    assert failed(judged) == {"p50", "p95", "p99"}
    said = points(judged)["p95"].evidence
    assert (
        "The series changed for the worse after run-19 (version 0.1.0) and by run-20 (version 0.1.0): "
        in said
    )
    assert failed(held(tmp_path / "mended", like(known, [*before, 1.05, 1.05, 1.05]))) == set()


def test_a_small_step_on_a_machine_that_others_had_filled_is_inconclusive(
    tmp_path: Path, known: HistoryRun
) -> None:
    runs = like(known, [1.0] * 12 + [1.1] * 2)
    alone = held(tmp_path / "alone", runs, slower=1.1)
    assert (alone.verdict, failed(alone)) == ("fail", {"p50", "p95", "p99"})
    judged = held(tmp_path / "crowded", runs, slower=1.1, crowded=True)
    assert (judged.verdict, judged.exit_code) == ("inconclusive", 3)
    p95 = points(judged)["p95"]
    assert p95.status == "invalid"
    assert p95.broken[0].startswith("p95 is ")
    assert "the series changed for the worse after run-11 " in p95.broken[0]
    assert "the machine was full" in p95.evidence
    assert not record.kept(judged)


def test_a_level_that_stayed_is_what_runs_are_held_against(tmp_path: Path, known: HistoryRun) -> None:
    runs = like(known, [1.0] * 20 + [1.5] * 11)
    judged = held(tmp_path, runs, slower=1.5)
    assert failed(judged) == set()
    assert "bound by the spread of 11 runs" in points(judged)["p95"].evidence


def test_runs_of_another_series_do_not_count(tmp_path: Path, known: HistoryRun) -> None:
    runs = [replace(one, key=one.key._replace(machine="another")) for one in like(known, [1.0] * 12)]
    assert points(held(tmp_path, runs, slower=3.0))[""].value == 0


def test_the_newest_runs_are_named_and_counted(tmp_path: Path, known: HistoryRun) -> None:
    found = points(held(tmp_path, like(known, [1.0] * 12)))[""]
    assert (found.value, found.unit) == (12, "runs")
    assert found.evidence.startswith("4 runs, and run-4, run-5, ")
    assert "This run differs in nothing recorded." in found.evidence
