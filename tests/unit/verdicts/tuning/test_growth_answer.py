"""What growth answers, from its runs alone: each limit by size, in words, on both pages."""

from __future__ import annotations

import msgspec
import pytest

from cli import tune
from cli.tuning.wanted import Wanted
from common import exit_codes
from scenarios.growth_table import GROWING, beyond
from scenarios.tuning_table import BY_NAME, NO_LIMIT, OWN
from telemetry.run_folder.machine import LoadMachine
from tests.support import made_growth
from tests.support.made_growth import HELD
from verdicts.language.catalogue import japanese
from verdicts.language.words import Say
from verdicts.tuning import growth_wording
from verdicts.tuning.answer import Answer
from verdicts.tuning.growth_answer import GrowthAnswer
from verdicts.tuning.growth_page import spec
from verdicts.tuning.page import html, markdown
from verdicts.tuning.tuning_file import GrownSize, GrowthFile, TuningFile

SAY = Say("en")
MOST = BY_NAME["global-concurrency"]
AT_100 = {**HELD, "global-concurrency": 4277.0}
AT_1000 = {**HELD, "global-concurrency": 9702.0, "pool-size": 28.0}
SIZES = (
    GrownSize(mau=5, values=HELD),
    GrownSize(mau=10, values=HELD, over=True),
    GrownSize(mau=100, values=AT_100, over=True),
    GrownSize(mau=500, values=AT_100, over=True),
    GrownSize(mau=1000, values=AT_1000, instance=2, over=True),
)


def found() -> GrowthFile:
    settings = [
        (one.mau, values, k) for one in SIZES for values, k in ((HELD, 1), (one.values, one.instance))
    ]
    wanted = [
        Wanted(attack, values, "short", mau=mau, instance=k)
        for mau, values, k in settings
        for attack in GROWING
        if mau > 5 and not beyond(attack, mau)
    ]
    runs = tuple(made_growth.run(one, number) for number, one in enumerate(wanted))
    return GrowthFile(held=HELD, sizes=SIZES, budget_s=3600.0, runs=runs)


ANSWER = GrowthAnswer.of(found())


def kinds(name: str) -> list[str]:
    return [cell.kind for cell in ANSWER.cells(BY_NAME[name])]


def test_each_limit_is_kept_changed_or_a_larger_instance_by_size() -> None:
    assert kinds("global-concurrency") == ["unknown", "keep", "change", "change", "instance"]
    assert kinds("pool-size") == ["unknown", "keep", "keep", "keep", "change"]
    assert kinds("timeout") == ["unknown", "keep", "keep", "keep", "keep"]


def test_a_limit_whose_attack_is_not_answered_is_given_no_verdict() -> None:
    assert kinds("rate-per-minute") == ["unknown", "keep", "keep", "keep", "silent"]
    [silent] = [one for one in ANSWER.sizes if one.unanswered]
    assert (silent.mau, dict(silent.unanswered)) == (1000, {"burst-starter": "1,000 req/s > 514"})


def test_one_sentence_a_limit() -> None:
    assert growth_wording.sentence(ANSWER, MOST, SAY) == (
        "global-concurrency: At 5 MAU it is not known yet. At 10 MAU keep 100 calls. "
        "At 100, 500 MAU it has to be 4,277 calls. "
        "With 100 calls ordinary-work breaks a bound (service is too low). "
        "At 1,000 MAU only an instance of 2 times the memory and CPU holds, with 9,702 calls. "
        "With 100 calls ordinary-work breaks a bound (service is too low)."
    )


def test_the_whole_in_a_few_sentences() -> None:
    assert growth_wording.summary_sentence(ANSWER, SAY) == (
        "The set holds as it is at 10 MAU. From 100 MAU on limits have to change. From 1,000 MAU on a bigger "
        "instance is the answer. At 1,000 MAU not answered here: burst-starter (1,000 req/s > 514). "
        "Not known yet at 5 MAU."
    )


def test_a_cell_stands_on_the_runs_of_its_block() -> None:
    [cell] = [one for one in ANSWER.cells(BY_NAME["pool-size"]) if one.size.mau == 10]
    assert {run.attack for run in cell.runs} == {"db-pool"}
    assert all((run.mau, run.instance) == (10, 1) for run in cell.runs)


def test_where_nothing_holds_it_is_said() -> None:
    [size] = [one for one in ANSWER.growth.sizes if one.mau == 100]
    none = msgspec.structs.replace(size, values=HELD)
    answer = GrowthAnswer.of(msgspec.structs.replace(ANSWER.growth, sizes=(none,)))
    assert [cell.kind for cell in answer.cells(MOST)] == ["none"]
    assert [cell.kind for cell in answer.cells(BY_NAME["pool-size"])] == ["keep"]
    assert len(answer.failing) == 1
    assert tune.growth_exit_code(answer) == exit_codes.FAIL


def test_the_figure_has_a_mark_a_size() -> None:
    held, own = spec(ANSWER, SAY)["data"]
    assert held["x"] == own["x"] == ["10", "100", "500", "1,000"]
    assert held["marker"]["symbol"] == ["square", "square-open", "square-open", "square-open"]
    assert own["marker"]["symbol"] == ["star"] * 4


@pytest.mark.parametrize("language", ["en", "ja"])
def test_both_pages_hold_it_in_both_languages(language: str) -> None:
    file = TuningFile(
        written="2026-11-27T12:00:00Z", seed=1, budget_s=0.0, machine=LoadMachine(cores=2), best=HELD,
        growth=ANSWER.growth,
    )  # fmt: skip
    answer, say = Answer.of(file), Say(language)
    page, text = html(answer, language), markdown(answer, language)
    for limit in ANSWER.limits:
        sentence = growth_wording.sentence(ANSWER, limit, say)
        assert sentence in text
        assert sentence in page
    for one in (page, text):
        assert say("The plan's limits by size").replace("'", "&#39;" if one is page else "'") in one
        assert (
            growth_wording.summary_sentence(ANSWER, say).replace(">", "&gt;" if one is page else ">") in one
        )
        assert "retry-storm-locks" in one, "what fails with any limits is named"
    assert '"growth"' in page


def test_why_a_scenario_fails_with_any_limits_has_its_japanese() -> None:
    assert {*NO_LIMIT.values(), *OWN.values()} - set(japanese()) == set()
