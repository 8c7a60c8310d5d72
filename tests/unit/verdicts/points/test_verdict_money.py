from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.recording.sample import REASON_CODE, Outcome
from tests.support.synthetic_run import Samples, Spec, write
from tests.unit.verdicts.measure.test_intents import repeats
from verdicts.judge.judge import judge
from verdicts.measure.target import money
from verdicts.points.point import PointResult
from verdicts.run.reading import Run, load

SMALL = Spec(duration=4.0, accounts=10, chances={})
Books = dict[str, Any]


def run_with(folder: Path, spec: Spec = SMALL, change: Callable[[Books], None] = lambda books: None) -> Run:
    file = write(folder / "run", spec) / "consistency.json"
    books = json.loads(file.read_text())
    change(books)
    file.write_text(json.dumps(books))
    return load(file.parent)


def books_of(run: Run) -> money.Books:
    found = money.of(run)
    assert found is not None
    return found


def point(run: Run) -> PointResult:
    return next(one for one in judge(run).points if one.id == "money")


def charge(user: str, by: int) -> Callable[[Books], None]:
    def change(books: Books) -> None:
        books["by_user"].setdefault(user, [0, 0])[0] += by

    return change


def test_books_that_balance_pass(tmp_path: Path) -> None:
    run = run_with(tmp_path)
    found = books_of(run)
    assert (found.due, found.missing, found.doubled, found.surplus, found.problems) == (200, 0, 0, 0, ())
    assert (point(run).value, point(run).status) == (0, "pass")


def test_a_successful_call_that_was_not_charged_fails(tmp_path: Path) -> None:
    run = run_with(tmp_path, change=charge("account-3", -1))
    assert books_of(run).problems == ("1 successful calls that were never charged (account-3 1)",)
    assert point(run).status == "fail"
    assert judge(run).exit_code == 1


def test_one_account_charged_for_anothers_call_is_seen(tmp_path: Path) -> None:
    def swap(books: Books) -> None:
        charge("account-3", -1)(books)
        charge("account-4", 1)(books)

    found = books_of(run_with(tmp_path, change=swap))
    assert (found.missing, found.doubled) == (1, 1)


def test_a_charge_beyond_any_call_fails(tmp_path: Path) -> None:
    found = books_of(run_with(tmp_path, change=charge("account-0", 2)))
    assert found.problems == ("2 charges beyond any call (account-0 2)",)


def test_a_charge_of_an_account_that_the_run_has_not_fails(tmp_path: Path) -> None:
    found = books_of(run_with(tmp_path, change=charge("stranger", 1)))
    assert found.problems == ("charges of accounts that the run has not: stranger",)


def test_a_call_that_timed_out_may_have_been_charged_or_not(tmp_path: Path) -> None:
    spec = replace(SMALL, fault=(1.0, 2.0, "timeout"))
    assert books_of(run_with(tmp_path / "not", spec)).problems == ()
    found = books_of(run_with(tmp_path / "charged", spec, charge("account-0", 5)))
    assert (found.problems, found.surplus) == ((), 5)
    assert books_of(run_with(tmp_path / "more", spec, charge("account-0", 6))).doubled == 1


def test_a_call_whose_answer_the_edge_cut_off_may_have_been_charged(tmp_path: Path) -> None:
    def cut(samples: Samples) -> Samples:
        samples["reason"][samples["outcome"] == Outcome.FAILED] = REASON_CODE["worker_cpu_exceeded"]
        return samples

    spec = replace(SMALL, fault=(1.0, 2.0, "db_error"), change=cut)
    assert books_of(run_with(tmp_path, spec, charge("account-0", 1))).problems == ()


def test_a_refused_call_must_not_have_been_charged(tmp_path: Path) -> None:
    spec = replace(SMALL, fault=(1.0, 2.0, "rate_limit_exceeded"))
    assert books_of(run_with(tmp_path, spec, charge("account-0", 1))).doubled == 1


def test_a_batch_is_charged_a_command(tmp_path: Path) -> None:
    def batches(samples: Samples) -> Samples:
        samples["tool"][:10] = 1
        return samples

    tools = {"tools": ["fast.echo", "batch", "tools/list"]}
    spec = replace(SMALL, change=batches, manifest=tools)

    def all_charged(books: Books) -> None:
        for number in range(10):
            charge(f"account-{number}", 10)(books)

    assert books_of(run_with(tmp_path / "all", spec, all_charged)).problems == ()
    assert books_of(run_with(tmp_path / "none", spec)).missing == 100


def test_methods_of_the_protocol_cost_nothing(tmp_path: Path) -> None:
    spec = replace(SMALL, manifest={"tools": ["tools/list"]})
    found = books_of(run_with(tmp_path, spec))
    assert (found.due, found.problems) == (0, ())


def test_extra_calls_are_charged_too(tmp_path: Path) -> None:
    assert books_of(run_with(tmp_path, replace(SMALL, extra=7))).due == 207


def test_what_sql_found_stands_at_the_point(tmp_path: Path) -> None:
    def broken(books: Books) -> None:
        books["problems"] = ["1 accounts below zero (account-1)"]

    result = point(run_with(tmp_path, change=broken))
    assert result.status == "fail"
    assert result.evidence.startswith("1 accounts below zero (account-1); 200 transactions")


def test_a_run_that_nobody_looked_into_says_so(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", SMALL)
    (folder / "consistency.json").unlink()
    assert (point(load(folder)).status, point(load(folder)).value) == ("info", None)
    found = judge(load(folder))
    assert (found.verdict, found.unseen, found.exit_code) == ("inconclusive", ("money problems == 0",), 3)


def test_books_that_nobody_opened_hide_behind_no_other_bound(tmp_path: Path) -> None:
    """Real parts may have figures that they do not show; the database is never one of them."""
    real = {"stack": {"settings": {"parts": {"edge": "real"}}, "processes": {}}}
    asked = {"points": ["P1.8"], "thresholds": {"P1.8": "errors <= 5 %"}}
    folder = write(tmp_path / "run", replace(SMALL, manifest=real, scenario_data=asked))
    assert judge(load(folder)).verdict == "pass"
    (folder / "consistency.json").unlink()
    found = judge(load(folder))
    assert found.held
    assert (found.verdict, found.exit_code) == ("inconclusive", 3)


@pytest.mark.parametrize(
    ("how", "verdict"),
    [
        ({"stop_reason": "signal", "stopped_at": 3.0}, "pass"),
        ({"stop_reason": "stop_when of the scenario: 5xx", "stopped_at": 3.0}, "inconclusive"),
        ({"killed": True}, "invalid"),
    ],
)
def test_books_of_a_run_that_was_ended_early(tmp_path: Path, how: dict[str, Any], verdict: str) -> None:
    folder = write(tmp_path / "run", replace(SMALL, **how))
    (folder / "consistency.json").unlink(missing_ok=True)
    assert (judge(load(folder)).verdict, judge(load(folder)).exit_code) == (verdict, 3)


def test_a_target_of_the_users_is_not_asked(tmp_path: Path) -> None:
    run = load(write(tmp_path / "run", replace(SMALL, bundled=False)))
    assert [one.id for one in judge(run).points if one.id == "money"] == []


def test_charges_of_calls_that_a_lost_worker_took_with_it_are_no_surprise(tmp_path: Path) -> None:
    spec = replace(SMALL, workers=("w1", "w2"), lost=("w2",))
    assert books_of(run_with(tmp_path, spec, charge("account-1", 3))).problems == ()
    assert books_of(run_with(tmp_path / "b", spec, charge("account-1", -3))).missing == 3


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=10, max_size=10))
def test_every_single_credit_is_seen(tmp_path_factory: pytest.TempPathFactory, errors: list[int]) -> None:
    def bend(books: Books) -> None:
        for number, by in enumerate(errors):
            charge(f"account-{number}", by)(books)

    found = books_of(run_with(tmp_path_factory.mktemp("money"), replace(SMALL, duration=1.0), bend))
    wrong = np.array(errors)
    assert found.missing == -wrong[wrong < 0].sum()
    assert found.doubled == wrong[wrong > 0].sum()


@pytest.mark.parametrize(
    ("protections", "points", "due"),
    [(["idempotency"], ["E2"], 200), (["idempotency"], [], 210), ([], ["E2"], 210)],
)
def test_repeats_that_get_the_first_ones_answer_are_not_due_a_charge(
    tmp_path: Path, protections: list[str], points: list[str], due: int
) -> None:
    def loop(samples: Samples) -> Samples:
        return np.concatenate([samples, repeats(samples[:10], 1, 0.5)])

    about = {"protections": protections}
    spec = replace(SMALL, change=loop, manifest=about, scenario_data={"points": points, "thresholds": {}})
    assert books_of(run_with(tmp_path, spec)).due == due
