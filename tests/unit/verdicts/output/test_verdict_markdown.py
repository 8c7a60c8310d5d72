"""A run as Markdown, and what GitHub Actions is told of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.synthetic_run import Spec, write
from verdicts.judge.judge import Judgement, judge
from verdicts.output import markdown
from verdicts.run.reading import load

SMALL = Spec(duration=5.0)
FAILING = replace(SMALL, fault=(2.0, 4.0, "db_error"))
COMMENT = 65_536  # characters that a comment may have


def judged(folder: Path, spec: Spec) -> Judgement:
    return judge(load(write(folder / "run", spec)))


def test_a_run_in_a_comment(tmp_path: Path) -> None:
    found = judged(tmp_path, FAILING)
    text = markdown.text(found)
    assert text.startswith(f"### ❌ {found.run.scenario['name']}: fail\n")
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(found.points) - 1
    assert all(line.replace("\\|", "").count("|") == 5 for line in rows)
    assert f"planned {found.ledger.total.planned:,} = sent " in text
    assert len(text) < COMMENT


@pytest.mark.parametrize(
    ("spec", "at", "reason", "sign"),
    [
        (SMALL, 2.0, "SIGTERM", "⚠️"),
        (FAILING, 4.0, "stopped by Ctrl-C", "⚠️"),
        (SMALL, 2.0, "stop_when of the scenario: x", "✅"),  # it did as it was told
    ],
)
def test_a_stopped_run_says_so(tmp_path: Path, spec: Spec, at: float, reason: str, sign: str) -> None:
    found = judged(tmp_path, replace(spec, stopped_at=at, stop_reason=reason))
    lines = markdown.text(found).splitlines()
    assert lines[0].startswith(f"### {sign} ")
    assert lines[2].startswith(f"STOPPED after {at} s of 5 s")


def test_words_of_the_target_stay_in_their_cell(tmp_path: Path) -> None:
    found = judged(tmp_path, SMALL)
    nasty = replace(found.points[1], value="a|b\n<img>", unit="", status="pass")
    text = markdown.text(replace(found, points=(found.points[0], nasty)))
    assert "| a\\|b &lt;img> |" in text


def test_failed_points_become_annotations_in_github_actions_alone(tmp_path: Path) -> None:
    found = judged(tmp_path, FAILING)
    assert list(markdown.workflow_commands(found, {})) == []
    lines = list(markdown.workflow_commands(found, {"GITHUB_ACTIONS": "true"}))
    failed = [point for point in found.points if point.status == "fail"]
    assert [line for line in lines if line.startswith("::error ")] == lines
    assert len(lines) == len(failed) > 0
    assert all("\n" not in line and "%25" in line for line in lines if "%" in line)
    assert lines[0].split("::")[1].count(":") == 0


def test_a_bad_title_is_escaped(tmp_path: Path) -> None:
    found = judged(tmp_path, FAILING)
    point = next(one for one in found.points if one.status == "fail")
    odd = replace(point, evidence="a\r\nb", question=point.question._replace(en="x: y, z"))
    (line,) = markdown.workflow_commands(replace(found, points=(odd,)), {"GITHUB_ACTIONS": "1"})
    assert "x%3A y%2C z::" in line
    assert line.endswith("a%0D%0Ab")


def test_the_steps_summary_grows(tmp_path: Path) -> None:
    file = tmp_path / "step.md"
    markdown.append_to_step("one", {})
    for text in ("one", "two"):
        markdown.append_to_step(text, {"GITHUB_STEP_SUMMARY": str(file)})
    assert file.read_text() == "one\ntwo\n"
    with pytest.raises(OSError, match="No such file"):
        markdown.append_to_step("x", {"GITHUB_STEP_SUMMARY": str(tmp_path / "none" / "x")})
