"""B against A over whole runs: calls, refusals by name, equals that are rarely told apart."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.compare_runs import SPEC, folder, runs
from tests.support.synthetic_run import Samples, Spec, drop
from verdicts.compare import statistics, wording
from verdicts.compare.comparison import ComparedFigure, Comparison, Side, compare
from verdicts.compare.figures import FIGURES
from verdicts.run.reading import RunFolderError, load

A, B = range(0, 8, 2), range(1, 8, 2)  # places in the order A B A B …


def compared(tmp_path: Path, spec_b: Spec = SPEC, *, slower: float = 1.0, **how: Any) -> Comparison:
    sides = runs(tmp_path / "a", A), runs(tmp_path / "b", B, spec_b, slower=slower)
    return compare(Side("A", "none", sides[0]), Side("B", "more", sides[1]), **{"interleaved": True, **how})


def row(found: Comparison, id: str) -> ComparedFigure:
    return next(one for one in found.rows if one.kind.id == id)


def test_equals_are_not_told_apart(tmp_path: Path) -> None:
    found = compared(tmp_path)
    assert {one.call for one in found.rows} == {"not told apart", "no call"}
    assert found.sentence.startswith("Against A (none), B (more) is not told apart in peak in flight at the")


def test_a_slower_and_refusing_side_is_worse_by_figure_and_better_for_the_origin(tmp_path: Path) -> None:
    found = compared(tmp_path, replace(SPEC, chances={"burst_exceeded": 0.2}), slower=1.6)
    calls = {one.kind.id: one.call for one in found.rows}
    worse = {"peak", "success", "refused", "p50", "p95", "p99"}
    assert {id for id, call in calls.items() if call == "worse"} == worse
    assert {id for id, call in calls.items() if call == "better"} == {"load"}
    assert calls["errors"] == "not told apart"
    assert found.sentence == (
        "Against A (none), B (more) is better in origin load; worse in peak in flight at the origin, success "
        "rate of all users, share refused of all users, response p50 of all users, response p95 of all "
        "users, response p99 of all users; not told apart in error rate of all users, origin memory."
    )
    p95 = row(found, "p95")
    assert p95.difference is not None
    assert p95.difference.relative == pytest.approx(0.6, abs=0.15)
    assert [one.calls for one in p95.a] == [1200] * 4
    assert all(900 < one.calls < 1020 for one in p95.b)
    told = "Response times are of the calls that succeeded: 100.0% in A, "
    assert any(note.startswith((told + "7", told + "8")) for note in found.notes)


def test_a_percentile_that_one_run_lacks_has_no_call(tmp_path: Path) -> None:
    found = compared(tmp_path, replace(SPEC, chances={"db_error": 0.7}))
    assert row(found, "p99").call == "no call"
    assert row(found, "p99").why.startswith("not taken in 4 of 4 runs of B: ")
    assert row(found, "p95").call != "no call"
    assert any("No call on response p99 of all users" in note for note in found.notes)


def test_one_run_a_side_is_a_table_without_a_call(tmp_path: Path) -> None:
    sides = runs(tmp_path, [0]), runs(tmp_path, [1], slower=3.0)
    found = compare(Side("A", "x", sides[0]), Side("B", "y", sides[1]), interleaved=False)
    assert not found.called
    assert {one.call for one in found.rows} == {"no call"}
    assert found.sentence == (
        "B (y) beside A (x), without a call: A has 1 run and B 1 run, an interval needs 4 each."
    )
    assert wording.centre(row(found, "p50"), "b").endswith(" ms")
    assert wording.interval(row(found, "p50")) == "–"


def test_stored_runs_may_be_of_different_number(tmp_path: Path) -> None:
    sides = runs(tmp_path / "a", range(4)), runs(tmp_path / "b", range(4, 10), slower=2.0)
    found = compare(Side("A", "x", sides[0]), Side("B", "y", sides[1]), interleaved=False)
    assert row(found, "p95").call == "worse"
    assert any("not made in turns" in note for note in found.notes)


def test_a_certain_difference_within_the_floor_is_said(tmp_path: Path) -> None:
    def offset(samples: Samples) -> Samples:
        samples["done"] += 0.0009
        return samples

    same = runs(tmp_path / "a", A, replace(SPEC, change=lambda samples: samples))
    more = runs(tmp_path / "b", B, replace(SPEC, change=offset))
    found = row(compare(Side("A", "x", same), Side("B", "y", more), interleaved=True), "p50")
    assert found.call == "not told apart"
    assert found.within_floor


OTHERS = {
    "seed: 2, not 1": Spec(**{**vars(SPEC), "seed": 2}),
    "duration: 6.0, not 12.0": Spec(**{**vars(SPEC), "duration": 6.0}),
    "users.accounts.count: 10, not 20": Spec(**{**vars(SPEC), "accounts": 10}),
    "users.rate: 3.0, not 5.0": Spec(**{**vars(SPEC), "rate": 3.0}),
    "scenario: rate-limit, not burst": Spec(**{**vars(SPEC), "scenario": "rate-limit"}),
    "users.accounts.tier: starter, not unlimited": Spec(**{**vars(SPEC), "scenario": "burst-starter"}),
    "time_scale: 6.0, not 1.0": Spec(**{**vars(SPEC), "scenario_data": {"time_scale": 6.0}}),
    "align: 60.0, not null": Spec(**{**vars(SPEC), "scenario_data": {"align": 60.0}}),
    "connections: shared, not account": Spec(**{**vars(SPEC), "scenario_data": {"connections": "shared"}}),
    "request_ids: account, not run": Spec(**{**vars(SPEC), "scenario_data": {"request_ids": "account"}}),
    "late_answers: read, not cut": Spec(**{**vars(SPEC), "scenario_data": {"late_answers": "read"}}),
}


@pytest.mark.parametrize("named", OTHERS)
def test_another_attack_is_refused_by_what_is_different(named: str, tmp_path: Path) -> None:
    a, b = load(folder(tmp_path / "a", 0)), load(folder(tmp_path / "b", 1, OTHERS[named]))
    with pytest.raises(RunFolderError) as refused:
        compare(Side("A", "x", (a,)), Side("B", "y", (b,)), interleaved=False)
    assert named in str(refused.value)
    assert str(b.folder) in str(refused.value)
    assert "\n" not in str(refused.value)


def lone(tmp_path: Path, **change: Any) -> tuple[Side, Side]:
    """A run a side; the group of B's is another in this."""
    a = load(folder(tmp_path / "a", 0))
    groups = [{**a.scenario["groups"][0], **change}]
    b = load(folder(tmp_path / "b", 1, replace(SPEC, scenario_data={"groups": groups})))
    return Side("A", "x", (a,)), Side("B", "y", (b,))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"judge": False}, "users.judge: false, not true"),
        ({"answers_input": True}, "users.answers_input: true, not false"),
        ({"reopen_within": 10.0}, "users.reopen_within: 10.0, not 0.0"),
    ],
)
def test_a_group_that_behaves_otherwise_is_another_attack(
    change: dict[str, Any], named: str, tmp_path: Path
) -> None:
    with pytest.raises(RunFolderError, match=named):
        compare(*lone(tmp_path, **change), interleaved=False)


def test_the_protocol_may_be_what_is_compared_and_is_named(tmp_path: Path) -> None:
    a, b = lone(tmp_path, protocol="2026-07-28")
    assert compare(a, b, interleaved=False).differs == ("protocol.users: 2026-07-28, not none",)
    mixed = Side("A", "x", (*a.runs, *b.runs))
    with pytest.raises(RunFolderError, match=r"is not of one side with .*: protocol\.users: 2026-07-28"):
        compare(mixed, b, interleaved=False)


def test_variants_whose_load_is_the_same_may_be_compared(tmp_path: Path) -> None:
    other = replace(SPEC, scenario_data={"name": "burst-mine", "variant_of": "burst", "kv": "free"})
    a, b = load(folder(tmp_path, 0)), load(folder(tmp_path, 1, other))
    compare(Side("A", "x", (a,)), Side("B", "y", (b,)), interleaved=False)


def test_what_is_on_the_other_side_is_named(tmp_path: Path) -> None:
    found = compared(tmp_path, replace(SPEC, manifest={"protections": ["breaker"], "version": "0.2.0"}))
    assert found.differs == (
        "protections: breaker, not ip-limit, burst-limit, rate-limit, jwks-cache",
        "version: 0.2.0, not 0.1.0",
    )


def test_runs_of_one_side_that_are_not_alike_are_refused(tmp_path: Path) -> None:
    mixed = [*runs(tmp_path, [0]), *runs(tmp_path, [1], replace(SPEC, manifest={"protections": []}))]
    with pytest.raises(RunFolderError, match=r"is not of one side with .*: protections: none, not"):
        compare(Side("A", "x", tuple(mixed)), Side("B", "y", runs(tmp_path, [2])), interleaved=False)


def half(samples: Samples) -> Samples:
    """Every second call was dropped: an invalid run."""
    drop(samples, np.arange(len(samples)) % 2 == 0)
    return samples


def test_another_attack_is_told_before_an_invalid_run(tmp_path: Path) -> None:
    other = replace(SPEC, scenario="rate-limit")
    sides = runs(tmp_path / "a", [0], replace(SPEC, change=half)), runs(tmp_path / "b", [1], other)
    with pytest.raises(RunFolderError, match="scenario: rate-limit, not burst"):
        compare(Side("A", "x", sides[0]), Side("B", "y", sides[1]), interleaved=False)


def test_an_invalid_run_is_refused_by_name(tmp_path: Path) -> None:
    bad = runs(tmp_path, [1], replace(SPEC, change=half))
    with pytest.raises(RunFolderError, match=r"run-01: the run is invalid: 600 of 1,200 planned arrivals"):
        compare(Side("A", "x", runs(tmp_path, [0])), Side("B", "y", bad), interleaved=False)


def test_a_run_that_was_stopped_is_refused(tmp_path: Path) -> None:
    early = runs(tmp_path, [1], replace(SPEC, stop_reason="SIGINT", stopped_at=5.0))
    with pytest.raises(RunFolderError, match=r"run-01: ended at 5\.0 s of 12 s"):
        compare(Side("A", "x", runs(tmp_path, [0])), Side("B", "y", early), interleaved=False)


KINDS = [kind for kind in FIGURES.values() if not kind.own]


def pair(random: np.random.Generator, drift: float) -> list[statistics.FigurePair]:
    """Every figure of A and B, equal but for chance: 4 runs a side, in turns; times and counts drift."""
    place = np.arange(8) / 7
    common = random.normal(0, 1, 8)
    made = []
    for kind in KINDS:
        if kind.unit == "share":
            values = random.binomial(840, 0.98 if kind.better == "higher" else 0.01, 8) / 840
        else:
            noise = 0.05 * (common + random.normal(0, 1, 8)) / math.sqrt(2)
            values = 100 * np.exp(noise + drift * place)
        floor: dict[str, Any] = {
            "floor_relative": kind.floor_relative,
            "floor_absolute": 0.001,
            "scale": kind.scale,
        }
        made.append(
            statistics.FigurePair(kind.id, values[::2].tolist(), values[1::2].tolist(), kind.better, **floor)
        )
    return made


@pytest.mark.parametrize("drift", [0.0, 0.5])
def test_of_a_thousand_pairs_of_equals_at_most_seven_percent_are_told_apart(drift: float) -> None:
    random = np.random.default_rng(1)
    told = sum(
        any(one.call != "not told apart" for one in statistics.compare(pair(random, drift)))
        for _ in range(1000)
    )
    print(f"drift {drift:g}: {told} of 1000")
    assert told <= 70
