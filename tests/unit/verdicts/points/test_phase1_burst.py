from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scenarios.load import load as load_scenario
from tests.support.limiter_simulation import BETWEEN, burst, refuse, spec
from tests.support.synthetic_run import Change, Samples, fail, write
from verdicts.judge.judge import judge
from verdicts.points.point import PointResult
from verdicts.run.reading import load


def answer(folder: Path, change: Change | None, **fields: Any) -> PointResult:
    fields["manifest"] = {"start_wall": BETWEEN, **fields.get("manifest", {})}
    run = load(write(folder / "run", spec("F1.1", change=change, **fields)))
    return next(one for one in judge(run).points if one.id == "F1.1")


def test_exactly_five_a_second_pass(tmp_path: Path) -> None:
    found = answer(tmp_path, burst())
    assert (found.status, found.value) == ("pass", 5.0)
    (row,) = found.rows
    assert (row["admitted"], row["refused"], row["errors"]) == (30, 90, 0)
    assert (row["fewest admitted where 5 came"], row["most admitted"]) == (5, 5)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (None, "6 admitted more, 0 less"),
        (burst(6), "6 admitted more, 0 less"),
        (burst(4), "0 admitted more, 6 less"),
        (burst(1), "0 admitted more, 6 less"),
        (burst(always=True), "0 admitted more, 5 less"),
        (burst(wait=2), "Retry-After wrong or absent on 90"),
        (burst(wait=0), "Retry-After wrong or absent on 90"),
    ],
)
def test_every_break_of_the_promise_is_red(tmp_path: Path, change: Change | None, part: str) -> None:
    found = answer(tmp_path, change)
    assert found.status == "fail"
    assert part in found.evidence


def test_an_absent_retry_after_is_wrong(tmp_path: Path) -> None:
    found = answer(tmp_path, burst(wait=float("nan")))  # type: ignore[arg-type]
    assert found.status == "fail"
    assert "Retry-After wrong or absent on 90" in found.evidence


def test_below_the_limit_there_is_nothing_to_judge(tmp_path: Path) -> None:
    assert answer(tmp_path, burst(), rate=3.0).status == "invalid"


def test_even_arrivals_at_the_limit_lose_to_jitter_and_that_is_no_failure(tmp_path: Path) -> None:
    found = answer(tmp_path, burst(), rate=5.0, duration=20.0)
    assert found.status in ("pass", "invalid")
    assert found.rows[0]["seconds over"] == found.rows[0]["seconds under"] == 0


def test_a_target_that_answers_nobody_keeps_no_limit(tmp_path: Path) -> None:
    def down(samples: Samples) -> Samples:
        fail(samples, samples["planned"] >= 0, "timeout")
        return samples

    found = answer(tmp_path, down)
    assert (found.status, found.value) == ("info", None)
    assert "no call got as far as the limit; also timeout 120" in found.evidence


@pytest.mark.parametrize("reason", ["ip_limit_exceeded", "missing_token", "invalid_token"])
def test_what_another_layer_refused_before_it_never_came_to_the_limit(tmp_path: Path, reason: str) -> None:
    def change(samples: Samples) -> Samples:
        samples = burst()(samples)
        for at in np.flatnonzero(samples["planned"] >= 4.1).tolist():
            refuse(samples, at, reason, 1)
            samples["instance"][at] = 0
        return samples

    found = answer(tmp_path, change)
    assert found.status == "pass", found.evidence
    assert "0 admitted more, 0 less" in found.evidence
    assert f"also {reason} 38" in found.evidence


@pytest.mark.parametrize(
    ("reason", "less"), [("worker_cpu_exceeded", 0), ("origin_unavailable", 0), ("kv_error", 1)]
)
def test_a_cut_for_cpu_says_nothing_against_the_limit_and_a_throw_of_kv_does(
    tmp_path: Path, reason: str, less: int
) -> None:
    """Its count may have been written; an origin that is away was asked; the throw is the limit's own."""

    def change(samples: Samples) -> Samples:
        samples = burst()(samples)
        refuse(samples, 1, reason, 1)
        samples["status"][1], samples["instance"][1] = 503, 0
        return samples

    found = answer(tmp_path, change)
    assert f"0 admitted more, {less} less" in found.evidence
    assert found.status == ("fail" if less else "pass")


def test_a_longer_run_meets_the_limit_of_its_address_and_that_is_expected() -> None:
    scenario = load_scenario("single-burst").dump()
    assert scenario["groups"][0]["rate"] * 60 > 1000
    assert set(scenario["expects"]) == {"burst_exceeded", "ip_limit_exceeded"}


def test_what_is_not_promised_is_not_judged(tmp_path: Path) -> None:
    target = {"name": "mine", "path": "/v1/mcp", "limits": {"burst_per_s": None}}
    found = answer(tmp_path, None, manifest={"target": target}, bundled=False)
    assert (found.status, found.value) == ("info", None)
