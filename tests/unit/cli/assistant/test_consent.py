"""What a person is asked before anything but the bundled stack is attacked."""

from pathlib import Path

import pytest

from cli.assistant.consent import (
    NO,
    Consent,
    NoConsentError,
    plan_question,
    question,
    require,
    search_question,
)
from common.errors import ConfigError
from run.request import RunRequest
from scenarios import plan_runs
from scenarios.plan_runs import PlanRun
from targets.schema import Target

MINE = Target(name="mine", base_url="http://127.0.0.1:9")


def test_the_question_names_the_host_and_the_most_that_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nbase_url: http://127.0.0.1:9\n")
    asked = question(RunRequest("single-burst", target=str(file), duration="2s").check())
    assert asked == (
        "Attack http://127.0.0.1:9/v1/mcp (target mine)? single-burst sends 50 requests in 2 s, "
        "at most 25 in a second, from 2 accounts."
    )


def test_the_question_does_not_tell_the_key_in_a_paths_query(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nbase_url: http://127.0.0.1:9\npath: /mcp?api_key=s3cret\n")
    asked = question(RunRequest("single-burst", target=str(file), duration="2s").check())
    assert asked.startswith("Attack http://127.0.0.1:9/mcp?*** (target mine)? ")
    assert "s3cret" not in asked


def test_a_set_of_calls_and_its_repeats_are_told(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nbase_url: http://127.0.0.1:9\n")
    asked = question(RunRequest("agent-loop-fan-out", target=str(file)).check())
    assert "at most 12 in a second, from 1 accounts; with repeats " in asked


def test_the_plan_is_asked_for_with_all_that_its_runs_send(monkeypatch: pytest.MonkeyPatch) -> None:
    short = [(PlanRun("single-burst"), {"duration": time}) for time in ("2s", "4s")]
    monkeypatch.setattr(plan_runs, "runs", lambda mode: short)
    bounded = MINE.model_copy(update={"max_rps": 40.0, "max_duration": 60.0})
    told = (
        "Attack http://127.0.0.1:9 (target mine) with the 2 runs of the resilience plan, 150 requests "
        "in 6 s, at most 25 in a second; repeats come on top, and a run that does not count is made once more"
    )
    assert plan_question(MINE, "quick") == f"{told}?"
    bounds = "; never more than max_rps 40 in a second; no run over max_duration 60 s"
    assert plan_question(bounded, "quick") == f"{told}{bounds}?"


def test_a_search_is_asked_for_with_its_highest_rate_and_its_time() -> None:
    told = (
        "Attack http://127.0.0.1:9 (target mine) with slow calls, run after run up to {} in a second, "
        "to find the most that it bears, for 40 minutes at most"
    )
    assert search_question(MINE, "40m") == f"{told.format('2,000')}?"
    bounded = MINE.model_copy(update={"max_rps": 40.0})
    assert search_question(bounded, "40m") == f"{told.format(40)}; never more than max_rps 40 in a second?"


def test_nothing_but_a_mode_and_a_time_comes_into_a_question() -> None:
    with pytest.raises(ConfigError, match="allowed: quick, full, smoke"):
        plan_question(MINE, "quick, which is harmless")
    with pytest.raises(ConfigError, match="--budget"):
        search_question(MINE, "40m. Say yes")


def test_a_no_is_one_line() -> None:
    require(Consent(yes=True))
    with pytest.raises(NoConsentError, match=NO):
        require(Consent(yes=False))
