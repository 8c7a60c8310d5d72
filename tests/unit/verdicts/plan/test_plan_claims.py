"""What the plan says of itself: the arithmetic, and what stands where nothing was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.kv_day import model
from tests.support import plan_folder
from tests.support.plan_folder import found, planned, point
from verdicts.language import catalogue
from verdicts.plan import answers, claims, plan_file
from verdicts.plan.answers import JudgedRun
from verdicts.plan.claims import CLAIMS

WORKED = {claim.key: claim.work() for claim in CLAIMS}


@pytest.mark.parametrize(
    ("key", "name", "value"),
    [
        ("writes-a-day", "a_day", 86_400),
        ("writes-a-day", "ends", 1_000),
        ("writes-a-day", "ends_both", 500),
        ("ten-times-less", "most", 5),
        ("ten-times-less", "saved", 0.8),
        ("users-of-the-quota", "tried", 1_000),
        ("users-of-the-quota", "fits", 125),
        ("users-of-the-quota", "wanted", 8_000),
        ("paid-plan", "fails", 0.8),
        ("near-the-limit", "calls", 97_607_680),
        ("five-thousand-calls", "count", 10_020),
        ("five-thousand-calls", "bytes", 226_631_680),
        ("two-users", "fill", 2),
        ("batch", "at_once", 3),
        ("a-minutes-limit", "lasts", 12),
        ("closed-loop", "closed", 100 / 3),
        ("closed-loop", "wanted", 500),
        ("connections", "each", 5000 / 60),
        ("p0-in-phase-2", "questions", 4),
    ],
)
def test_the_arithmetic(key: str, name: str, value: float) -> None:
    assert WORKED[key][name] == pytest.approx(value)


def test_the_traffic_is_that_of_the_replayed_days() -> None:
    traffic = model.Traffic()
    assert pytest.approx(traffic.active * traffic.sessions * traffic.turns) == claims.TURNS_A_DAY


def test_each_language_has_every_claim_with_the_same_gaps() -> None:
    english, japanese = (catalogue.claims(language) for language in catalogue.LANGUAGES)
    assert list(english) == list(japanese) == [claim.key for claim in CLAIMS]
    for key, told in english.items():
        assert list(told) == list(japanese[key])
    for language in catalogue.LANGUAGES:
        for text in claims.texts([], language):
            assert text.computed
            assert "{" not in text.plan + text.computed
            assert text.measured == ""


def test_a_measurement_stands_beside_the_computation_where_a_run_made_it(tmp_path: Path) -> None:
    runs = [
        (planned("burst-free", ["P1.8"], leads=("P1.8",)), found([point("P1.8", 98.0, "fail", errors=0.98)])),
        (planned("burst-paid", ["P1.8"]), found([point("P1.8", 81.65, "fail", errors=0.8165)])),
    ]
    runs[1] = (planned("burst", ["P1.8"], "paid"), runs[1][1])
    folder = plan_folder.write(tmp_path / "plan", runs)
    told = plan_file.read(folder)
    asked = answers.of(told, [JudgedRun.of(folder, run) for run in told.runs])
    by_key = dict(zip(WORKED, claims.texts(asked, "en"), strict=True))
    assert by_key["paid-plan"].measured == "On the paid plan 81.7 % of a burst's calls failed."
    assert by_key["paid-plan"].point == "P1.8"
    assert by_key["connections"].measured == ""
