"""docs/questions.md has a row for each question, ours apart from the plan's; its commands name scenarios."""

import re

from common.paths import ROOT
from scenarios import load as scenarios
from verdicts.points.registry import ASKED, QUESTIONS

PAGE = (ROOT / "docs" / "questions.md").read_text()


def test_every_question_of_the_plan_has_its_row() -> None:
    rows = dict(re.findall(r"^\| ([PFC]\d(?:\.\d+)?) \| ([^|]+) \|", PAGE, re.MULTILINE))
    assert rows == {id: question.en for id, question in QUESTIONS.items()}


def test_every_question_beside_the_plan_has_its_row_under_a_heading_of_its_own() -> None:
    of_the_plan, _, beside = PAGE.partition("\n## Beside the plan")
    rows = dict(re.findall(r"^\| (M\d\.\d+|[SIEL]\d) \| ([^|]+) \|", beside, re.MULTILINE))
    assert rows == {id: question.en for id, question in ASKED.items() if id not in QUESTIONS}
    assert "| M" not in of_the_plan
    assert "| S" not in of_the_plan


def test_its_commands_name_scenarios_that_there_are() -> None:
    named = set(re.findall(r"SCENARIO=([a-z0-9-]+)", PAGE))
    assert named
    assert named <= set(scenarios.names())
