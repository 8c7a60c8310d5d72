"""P1.1 to P1.4 on runs made of arithmetic: the edge's KV counters are laid over the synthetic scrapes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from telemetry.recording.sample import Flag
from tests.support.synthetic_run import STATUS, Samples, Spec, fail, write
from verdicts.judge.judge import judge
from verdicts.measure.limits import quota
from verdicts.points.point import PointResult
from verdicts.points.registry import POINTS
from verdicts.run.reading import Run, load
from verdicts.thresholds import Threshold

STATUS |= {"kv_error": 500}
KV = "mcpist_kv_"
ZERO = 1764000000.0  # start_wall of synthetic runs: a whole second
SPEC = Spec(scenario="kv-exhaustion", duration=12.0, accounts=10, rate=10.0, chances={}, service=0.01)
Edge = Callable[[float], dict[str, float]]


def edge(gone: float | None = 6.0, *, stored: float = 0.0, isolates: int = 1, answered: float = 0.0) -> Edge:
    """Counters of a KV that serves 20 writes a second until `gone`, then refuses them."""

    def told(t: float) -> dict[str, float]:
        writes = 20 * min(max(t, 0.0), gone or math.inf)
        values = {f"{KV}writes_total": writes, f"{KV}reads_total": writes, "mcpist_isolates": isolates}
        values |= {
            f"{KV}stored_writes": writes + stored,
            'mcpist_refused_total{reason="kv_error"}': answered * (t > 3),
        }
        values[f'{KV}failures_total{{cause="key-rate",op="put"}}'] = 80 * max(t, 0.0)
        if gone is not None and t > gone - 3:  # there with 0 before it rises, as after a reset
            values[f'{KV}failures_total{{cause="quota",op="put"}}'] = max(0.0, 20 * (t - gone))
        return values

    return told


def run_of(folder: Path, spec: Spec = SPEC, said: Edge | None = None) -> Run:
    made = write(folder / "run", spec)
    lines = [json.loads(line) for line in (made / "target.jsonl").read_text().splitlines()]
    for line in lines:
        if line["source"] == "edge" and said is not None:
            line["values"] |= said(line["t"])
    (made / "target.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return load(made)


def results(run: Run, id: str, threshold: str = "") -> list[PointResult]:
    return POINTS[id].results(run, Threshold.parse(threshold) if threshold else Threshold())


def rows(result: PointResult, **where: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in result.rows if where.items() <= row.items()]


def after(
    second: float, reason: str, keep: Callable[[Samples], Any] | None = None
) -> Callable[[Samples], Samples]:
    """Every call planned after a second fails of a reason, but those to keep."""

    def change(samples: Samples) -> Samples:
        which = samples["planned"] >= second
        fail(samples, which & ~keep(samples) if keep else which, reason)
        return samples

    return change


def limited(per_second: int) -> Callable[[Samples], Samples]:
    """Each account's calls of a second beyond so many are refused; none crosses a second's edge."""

    def change(samples: Samples) -> Samples:
        moved = np.floor(samples["planned"]) + 0.1 + 0.8 * (samples["planned"] % 1)
        shift = moved - samples["planned"]
        for name in ("sent", "done"):
            samples[name] += shift
        samples["planned"] = moved
        seen: dict[tuple[int, int], int] = {}
        refused = np.zeros(len(samples), dtype=np.bool_)
        for place in np.argsort(samples["sent"]):
            key = (int(samples["account"][place]), int(samples["planned"][place]))
            seen[key] = seen.get(key, 0) + 1
            refused[place] = seen[key] > per_second
        fail(samples, refused, "burst_exceeded")
        return samples

    return change


def test_the_instant_lies_between_the_two_scrapes_that_tell_it(tmp_path: Path) -> None:
    spans = quota.of(run_of(tmp_path, SPEC, edge(gone=6.5)))
    assert spans is not None
    assert spans.after is not None
    assert spans.before == pytest.approx((0.0, 6.004))
    assert spans.after == pytest.approx((7.004, 12.0))


def test_refusals_by_the_key_limit_are_not_the_quota(tmp_path: Path) -> None:
    assert quota.of(run_of(tmp_path, SPEC, edge(gone=None))) == ((0.0, 12.0), None)


def refused_before(refused: float, told_from: float = -2.0) -> Edge:
    """A KV that had refused so many writes for its quota before the run, and refuses none more."""

    def told(t: float) -> dict[str, float]:
        key = f'{KV}failures_total{{cause="quota",op="put"}}'
        return edge(gone=None)(t) | ({key: refused} if t > told_from else {})

    return told


@pytest.mark.parametrize("told_from", [-2.0, 0.0])
def test_a_quota_that_others_used_up_before_did_not_run_out_in_this_run(
    tmp_path: Path, told_from: float
) -> None:
    """Whether the baseline before load tells it, or nothing was read before the load."""
    made = write(tmp_path / "run", replace(SPEC, bundled=False))
    lines = [json.loads(line) for line in (made / "target.jsonl").read_text().splitlines()]
    for line in lines:
        line["values"] |= refused_before(40.0)(line["t"])
    kept = [line for line in lines if line["t"] > told_from]
    (made / "target.jsonl").write_text("".join(json.dumps(line) + "\n" for line in kept))
    assert quota.of(load(made)) == ((0.0, 12.0), None)


def test_a_counter_that_appears_with_its_first_refusal_tells_it(tmp_path: Path) -> None:
    spans = quota.of(run_of(tmp_path, SPEC, refused_before(40.0, told_from=6.5)))
    assert spans is not None
    assert spans.after == pytest.approx((7.004, 12.0))


@pytest.mark.parametrize("off", [-0.004, 0.004])
def test_an_origins_scrape_beside_the_spans_end_is_of_it(tmp_path: Path, off: float) -> None:
    """The quota ran out in the load's last second: one of its two scrapes, or both, lie outside by a hair."""

    def beside(line: dict[str, Any]) -> None:
        line["t"] += off

    run = retold(tmp_path, "origin-a", beside, edge(10.5))
    assert quota.of(run).after == pytest.approx((11.004, 12.0))  # type: ignore[union-attr]
    assert quota.at_origin(run, (11.004, 12.0)) == pytest.approx(100, abs=8)


def test_what_became_of_requests_before_and_after(tmp_path: Path) -> None:
    spec = replace(SPEC, change=after(6.5, "kv_error"))
    result = results(run_of(tmp_path, spec, edge(6.5)), "P1.1", "kv_error <= 5 %")[0]
    assert (result.value, result.status) == (0.0, "fail")
    assert rows(result, quota="before", became="kv_error") == []
    assert rows(result, quota="after", became="kv_error")[0]["% of sent"] == 100
    assert result.broken == ("kv_error is 100 % (allowed <= 5 %)",)


def test_a_quota_that_held_has_no_past_and_its_threshold_is_not_passed(tmp_path: Path) -> None:
    run = run_of(tmp_path, SPEC, edge(gone=None))
    assert [(one.value, one.status) for one in results(run, "P1.1", "kv_error <= 5 %")][:1] == [
        (None, "invalid")
    ]
    assert results(run, "P1.1")[0].status == "info"
    assert "did not run out" in results(run, "P1.1")[0].evidence


def test_a_plan_without_a_quota_is_not_asked_about_one(tmp_path: Path) -> None:
    stack = {"stack": {"settings": {"kv": {"plan": "paid"}}, "processes": {}}}
    found = results(run_of(tmp_path, replace(SPEC, manifest=stack), edge(None)), "P1.1", "kv_error <= 5 %")
    assert [(one.id, one.status) for one in found] == [("P1.1", "info"), ("P1.1.books", "pass")]


@pytest.mark.parametrize(
    ("stored", "answered", "status"), [(0.0, 0.0, "pass"), (1.0, 0.0, "fail"), (0.0, 1.0, "fail")]
)
def test_the_books_are_held_against_the_store_and_the_clients(
    tmp_path: Path, stored: float, answered: float, status: str
) -> None:
    books = results(run_of(tmp_path, SPEC, edge(stored=stored, answered=answered)), "P1.1")[1]
    assert (books.id, books.status) == ("P1.1.books", status)


def test_origin_load_before_and_after_beside_offered_and_limit(tmp_path: Path) -> None:
    def closed(samples: Samples) -> Samples:
        fail(samples, samples["planned"] >= 6, "burst_exceeded")
        return samples

    result = results(run_of(tmp_path, replace(SPEC, change=closed), edge(6.5)), "P1.2", "after <= 1 req/s")[0]
    assert (result.value, result.status) == (0.0, "pass")
    before = rows(result, quota="before")[0]
    assert before["offered req/s"] == pytest.approx(100, rel=0.01)
    assert before["origin req/s"] == pytest.approx(100, rel=0.05)
    assert "would admit 50.0" in result.evidence


def test_fail_open_lets_all_through_and_breaks_the_bound(tmp_path: Path) -> None:
    result = results(run_of(tmp_path, SPEC, edge(6.5)), "P1.2", "excess <= 1.1")[0]
    assert result.value == pytest.approx(100, rel=0.02)
    assert result.status == "fail"


def retold(
    folder: Path, source: str, change: Callable[[dict[str, Any]], None], said: Edge | None = None
) -> Run:
    """A run that lets all through, with one source's scrapes changed."""
    made = run_of(folder, SPEC, said or edge(6.5)).folder
    lines = [json.loads(line) for line in (made / "target.jsonl").read_text().splitlines()]
    for line in lines:
        if line["source"] == source:
            change(line)
    (made / "target.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return load(made)


def test_an_origin_that_began_again_at_zero_got_no_less(tmp_path: Path) -> None:
    """It is killed in the midst of the load, and its counter with it."""

    def killed(line: dict[str, Any]) -> None:
        key = next(key for key in line["values"] if key.startswith("mcpist_requests_total"))
        line["values"][key] -= 900 if line["t"] > 9.5 else 0

    result = results(retold(tmp_path, "origin-a", killed), "P1.2", "excess <= 1.1")[0]
    assert result.status == "fail"
    assert result.figures["after"] == pytest.approx(100, abs=8)


def test_an_origin_that_nobody_could_ask_is_no_idle_one(tmp_path: Path) -> None:
    """The standby tells that it got none; the one under load answers no scrape any more."""

    def deaf(line: dict[str, Any]) -> None:
        if line["t"] > 6.5:
            line |= {"up": False, "values": {}}

    result = results(retold(tmp_path, "origin-a", deaf), "P1.2", "excess <= 1.1")[0]
    assert result.status == "info"
    assert result.evidence.startswith("Not observed")


def test_the_order_in_a_window_shows_how_a_failed_write_is_handled(tmp_path: Path) -> None:
    def throw(samples: Samples) -> Samples:
        limited(5)(samples)
        _, firsts = np.unique(
            samples["account"].astype(np.int64) * 1000 + samples["planned"].astype(np.int64),
            return_index=True,
        )
        which = np.zeros(len(samples), dtype=np.bool_)
        which[firsts] = True
        fail(samples, which & (samples["planned"] >= 6), "kv_error")
        return samples

    result = results(run_of(tmp_path, replace(SPEC, change=throw), edge(6.0)), "P1.3", "seen <= 1 %")[0]
    assert rows(result, quota="before")[0]["order in a window"] == ".....xxxxx"
    assert {row["order in a window"] for row in rows(result, quota="after")} == {"E....xxxxx"}
    assert result.value == "an answer without words"
    assert "(status 500: " in result.evidence
    assert result.status == "fail"


def test_no_call_failed_for_the_kv(tmp_path: Path) -> None:
    result = results(run_of(tmp_path, SPEC, edge(6.0)), "P1.3", "seen <= 1 %")[0]
    assert (result.value, result.status) == ("nothing: no call failed for it", "pass")


def test_a_kv_that_refused_nothing_shows_no_failed_write(tmp_path: Path) -> None:
    def served(t: float) -> dict[str, float]:
        return {key: value for key, value in edge(gone=None)(t).items() if "failures" not in key}

    result = results(run_of(tmp_path, SPEC, served), "P1.3", "seen <= 1 %")[0]
    assert (result.value, result.status) == (None, "info")
    assert result.evidence.startswith("Not observed: KV refused nothing")


@pytest.mark.parametrize(
    ("isolates", "admitted", "status"), [(1, 5, "pass"), (2, 10, "fail"), (4, 20, "fail")]
)
def test_admitted_per_user_and_second_is_proven(
    tmp_path: Path, isolates: int, admitted: int, status: str
) -> None:
    spec = replace(SPEC, accounts=4, rate=40.0, change=limited(admitted))
    result = results(run_of(tmp_path, spec, edge(isolates=isolates)), "P1.4", "max <= 5")[0]
    assert (result.value, result.status) == (admitted, status)
    row = dict(result.rows[0])
    assert (row["max"], row["admitted (mean)"]) == (admitted, admitted)
    assert row["at most (isolates × limit)"] == 5 * isolates
    assert [one["quota"] for one in result.rows] == ["all", "before", "after"]


def test_a_limit_that_was_never_reached_proves_nothing(tmp_path: Path) -> None:
    result = results(run_of(tmp_path, replace(SPEC, rate=2.0), edge()), "P1.4", "max <= 5")[0]
    assert (result.value, result.status) == (None, "invalid")


def test_calls_that_may_have_been_in_either_window_prove_nothing(tmp_path: Path) -> None:
    """No limit at all: of ten calls a second four or five lie within one for certain."""

    def untold(samples: Samples) -> Samples:
        samples["upstream_s"], samples["done"] = np.nan, samples["sent"] + 0.55
        return samples

    target = {"target": {"name": "t", "limits": {"burst_per_s": {"most": 5}}}}
    spec = replace(SPEC, bundled=False, change=untold, manifest=target)
    result = results(run_of(tmp_path, spec), "P1.4", "max <= 5")[0]
    assert (result.value, result.status) == (None, "invalid")


def test_a_limiter_whose_clock_is_not_ours_is_counted_by_its_own(tmp_path: Path) -> None:
    """Its seconds begin half of ours later: five late in one and five early in the next are ten in ours."""
    let, refused = 0.01 * np.arange(5), 0.1 + 0.02 * np.arange(5)
    at = np.concatenate([1.30 + let, 1.30 + refused, 1.55 + let, 1.55 + refused])

    def by_its_clock(samples: Samples) -> Samples:
        place = np.arange(len(samples))
        samples["planned"] = 2.0 * (place // len(at)) + at[place % len(at)]
        samples["sent"], samples["done"] = samples["planned"], samples["planned"] + 0.002
        samples["upstream_s"] = np.nan
        fail(samples, place % 10 >= 5, "burst_exceeded")
        return samples

    target = {"target": {"name": "t", "limits": {"burst_per_s": {"most": 5}}}}
    spec = replace(SPEC, accounts=1, bundled=False, change=by_its_clock, manifest=target)
    result = results(run_of(tmp_path, spec), "P1.4", "max <= 5")[0]
    assert (result.value, result.status) == (5, "pass")


def test_a_target_that_tells_nothing_gets_no_number(tmp_path: Path) -> None:
    run = run_of(tmp_path, replace(SPEC, bundled=False))
    for id in ("P1.1", "P1.2", "P1.3"):
        assert [(one.value, one.status) for one in results(run, id, "")] == [(None, "info")]


def test_extra_calls_count_for_nothing(tmp_path: Path) -> None:
    run = run_of(tmp_path, replace(SPEC, extra=5), edge(6.5))
    assert not (run.samples["flags"][quota.within(run, (-9.0, 12.0))] & Flag.EXTRA).any()


def test_the_whole_scenario_is_judged(tmp_path: Path) -> None:
    spec = replace(SPEC, change=limited(5))
    found = judge(run_of(tmp_path, spec, edge(6.5)))
    asked = [one.id for one in found.points if one.id.startswith("P")]
    assert asked == ["P1.1", "P1.1.books", "P1.2", "P1.3", "P1.4"]
