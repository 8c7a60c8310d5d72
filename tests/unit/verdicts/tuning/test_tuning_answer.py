"""What a search answers, from its runs alone: each limit's verdict and sides, the front, how sure it is."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest

from cli.tuning.wanted import Wanted
from scenarios.tuning_table import ATTACKS, Setting, named
from telemetry.run_folder.machine import LoadMachine
from tests.support import made_gateway
from tests.support.made_gateway import GOOD
from verdicts.language.words import Say
from verdicts.tuning import wording
from verdicts.tuning.answer import Answer, LimitAnswer, interval
from verdicts.tuning.outcome import Length, TuningRun
from verdicts.tuning.page import html, markdown
from verdicts.tuning.trial import SettingTrial
from verdicts.tuning.tuning_file import TuningFile

PLAN = named("plan")[0]
BEST = {**PLAN, **GOOD}
SAY = Say("en")


def runs(values: Setting, length: Length = "short", repeats: int = 1, set: str = "") -> Iterable[TuningRun]:
    for attack in ATTACKS:
        if attack.searched or length == "full":
            for repeat in range(repeats):
                yield made_gateway.run(Wanted(attack, values, length, repeat, set))


def found(*made: Iterable[TuningRun], ended: str = "") -> TuningFile:
    return TuningFile(
        written="2026-11-27T12:00:00Z", seed=1, budget_s=2400.0, machine=LoadMachine(cores=2),
        best=dict(BEST), runs=tuple(run for some in made for run in some), ended=ended,
    )  # fmt: skip


def found_nothing() -> TuningFile:
    return msgspec.structs.replace(found(), best=dict(PLAN))


def of(answer: Answer, name: str) -> LimitAnswer:
    return next(one for one in answer.limits if one.limit.name == name)


@pytest.fixture(scope="module")
def answer() -> Answer:
    sides = [
        runs({**BEST, "timeout": 12.0}), runs({**BEST, "timeout": 3.0}), runs({**BEST, "timeout": 30.0}),
        runs({**BEST, "pool-size": 8.0}), runs({**BEST, "pool-size": 28.0}),
        runs({**BEST, "user-concurrency": 100.0}), runs({**BEST, "user-concurrency": 25.0}),
        runs({**BEST, "burst-per-second": 5.0}), runs({**BEST, "burst-per-second": 20.0}),
    ]  # fmt: skip
    sets = [runs(named(name)[0], set=name) for name in ("today", "none")]
    return Answer.of(found(runs(BEST), runs(PLAN), *sides, *sets, runs(BEST, "full", 3)))


def test_a_limit_is_kept_lowered_or_raised_with_what_the_plans_value_comes_to(answer: Answer) -> None:
    verdicts = {
        name: of(answer, name).verdict for name in ("timeout", "burst-per-second", "pool-size", "fair-queue")
    }
    assert verdicts == {
        "timeout": "lower", "burst-per-second": "raise", "pool-size": "keep", "fair-queue": "keep",
    }  # fmt: skip
    assert wording.sentence(of(answer, "timeout"), SAY) == (
        "timeout: lower from 30 s to 6 s. At the plan's 30 s: upstream-outage breaks a bound "
        "(wait is 30 s (allowed <= 5 s)). At 3 s: not told apart. At 12 s: upstream-outage breaks a bound "
        "(wait is 30 s (allowed <= 5 s))."
    )


def test_a_limit_that_changes_nothing_on_either_side_does_not_matter(answer: Answer) -> None:
    pool = of(answer, "pool-size")
    assert (pool.matters, pool.interval) == (False, (8, 28))
    assert wording.sentence(pool, SAY).endswith("Between these it does not matter.")


def test_what_the_recommended_value_breaks_as_well_is_no_fault_of_a_side() -> None:
    def pools(*broken: float) -> Answer:
        sizes = (15.0, 8.0, 28.0)
        some = (run for size in sizes for run in runs({**BEST, "pool-size": size}) if run.attack == "db-pool")
        return Answer.of(
            found(
                msgspec.structs.replace(run, broken=("wait is 9 s",))
                if run.values["pool-size"] in broken
                else run
                for run in some
            )
        )

    alike = of(pools(15, 8, 28), "pool-size")
    assert (alike.matters, alike.interval) == (False, (8, 28))
    told = "At 8 connections: db-pool breaks a bound (wait is 9 s), as the recommended value does."
    assert told in wording.sentence(alike, SAY)
    worse = of(pools(8, 28), "pool-size")
    assert (worse.matters, worse.interval) == (True, (15, 15))
    assert "At 8 connections: db-pool breaks a bound (wait is 9 s). " in wording.sentence(worse, SAY)
    better = of(pools(15, 8), "pool-size")
    assert better.matters
    assert "At 28 connections: every bound held." in wording.sentence(better, SAY)


def test_a_limit_whose_sides_were_not_tried_is_not_called_idle(answer: Answer) -> None:
    wait = of(answer, "pool-wait")
    assert wait.matters is None
    assert wording.sentence(wait, SAY) == "pool-wait: not known yet, so the plan's 5 s stands."
    most = of(answer, "global-concurrency")
    assert wording.sentence(most, SAY).endswith("Neither side of it was tried.")


def test_the_interval_ends_where_a_bound_breaks(answer: Answer) -> None:
    assert of(answer, "timeout").interval == (3, 6)
    assert of(answer, "burst-per-second").interval == (10, 20)


def test_a_sentence_stands_on_the_runs_that_it_names(answer: Answer) -> None:
    assert set(wording.runs(of(answer, "pool-size"))) == {"db-pool-t001"}


def test_the_front_holds_what_no_other_setting_beats_in_both(answer: Answer) -> None:
    front = answer.front
    assert front
    assert all(point.trial.holds for point in front)
    pairs = [(point.trial.lost, point.trial.room) for point in front]
    assert pairs == sorted(pairs)
    assert [room for _, room in pairs] == sorted(room for _, room in pairs)
    broken = {point.name for point in answer.points if not point.trial.holds}
    assert {"plan", "none"} <= broken


def test_three_runs_of_everything_confirm_and_one_broken_bound_does_not(answer: Answer) -> None:
    assert answer.sure == "confirmed"
    assert Answer.of(found(runs(BEST), runs(BEST, "full", 2))).sure == "not confirmed"
    [first, *rest] = runs(BEST, "full", 3)
    broke = TuningRun(
        **{**{name: getattr(first, name) for name in first.__struct_fields__}, "broken": ("x",)}
    )
    assert Answer.of(found(runs(BEST), [broke, *rest])).sure == "broken"
    stopped = Answer.of(found(runs(BEST), [broke, *rest], ended="stopped"))
    assert stopped.sure == "not confirmed", "a better one was still sought"


def test_an_interval_needs_three_runs() -> None:
    assert interval([0.9, 0.9]) is None
    low, high = interval([0.90, 0.92, 0.94]) or (0.0, 0.0)
    assert (round(low, 4), round(high, 4)) == (0.8703, 0.9697)


def test_a_setting_that_breaks_nothing_stands_before_one_that_serves_more() -> None:
    held = SettingTrial(BEST, tuple(runs(BEST)))
    broken = SettingTrial(PLAN, tuple(runs(PLAN)))
    assert held.rank < broken.rank
    assert held.rank < (0.0, held.loss + 0.001)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_both_pages_say_the_same_in_both_languages(answer: Answer, language: str) -> None:
    page, text = html(answer, language), markdown(answer, language)
    say = Say(language)
    for one in answer.limits:
        sentence = wording.sentence(one, say)
        assert sentence in text
        assert sentence.replace("'", "&#39;").replace("<", "&lt;").replace(">", "&gt;") in page
    assert "user_concurrency: 50" in text
    assert "user_concurrency: 50" in page
    assert f'lang="{language}"' in page
    assert "{" not in text.replace("{}", "")


def test_a_search_that_came_nowhere_has_pages_too() -> None:
    empty = Answer.of(found(ended="stopped"))
    assert empty.sure == "not confirmed"
    assert "Every value of the plan stays." not in html(Answer.of(found_nothing()), "en")
    assert wording.headline(Answer.of(found_nothing()), SAY) == "Nothing is known yet"
    assert "The search was stopped before its end." in html(empty, "en")
    assert markdown(empty, "ja")
