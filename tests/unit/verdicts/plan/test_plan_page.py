"""The plan's page: whole, offline, safe against what a run says, the same from the same runs."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support import plan_folder
from tests.support.plan_folder import found, planned, point
from verdicts.plan import files
from verdicts.points.registry import QUESTIONS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = plan_folder.whole(tmp_path / "plan")
    files.derive(made, quiet=True)
    return made


def test_every_question_stands_there_in_the_plans_order_in_both_languages(folder: Path) -> None:
    html, text = (folder / "plan.html").read_text(), (folder / "plan.md").read_text()
    assert re.findall(r'<div class="more" id="([PFC][\d.]+)"', html) == list(QUESTIONS)
    assert re.findall(r"^\| ([PFC][\d.]+) \(", text, re.MULTILINE) == list(QUESTIONS)
    for question in QUESTIONS.values():
        assert question.ja in html
        assert question.en.replace("'", "&#39;") in html


@pytest.mark.parametrize(("status", "colour"), [("fail", "fail"), ("pass", "pass"), ("invalid", "invalid")])
def test_the_headline_is_green_only_where_nothing_is_out_of_bounds(
    tmp_path: Path, status: str, colour: str
) -> None:
    run = planned("burst", ["P1.7"])
    files.derive(plan_folder.write(tmp_path, [(run, found([point("P1.7", 24.1, status)]))]), quiet=True)
    assert f'<h1 class="verdict {colour}">' in (tmp_path / "plan.html").read_text()


def test_evidence_is_a_link_to_the_runs_own_report(folder: Path) -> None:
    html, text = (folder / "plan.html").read_text(), (folder / "plan.md").read_text()
    assert 'href="upstream-outage/report.html#P0.4"' in html
    assert "[upstream-outage](upstream-outage/report.html#P0.4)" in text
    assert "db-pool/report.html" not in html + text


def test_what_broke_the_bound_is_said_beside_what_held(folder: Path) -> None:
    html = (folder / "plan.html").read_text()
    assert "25,300" in html
    assert "wait ≤ 5 s" in html


def test_time_that_ran_faster_is_said_at_each_point(folder: Path) -> None:
    rows = {row.split("|")[1].split()[0]: row for row in (folder / "plan.md").read_text().splitlines()
            if re.match(r"\| [PFC]\d", row)}  # fmt: skip
    assert "| × 20 as fast |" in rows["F1.3"]
    assert "| × 2 as fast |" in rows["P0.4"]
    assert "| real time |" in rows["P0.1"]


def test_every_row_of_the_text_has_all_its_cells(folder: Path) -> None:
    rows = [line for line in (folder / "plan.md").read_text().splitlines() if line.startswith("| ")]
    wide = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
    assert set(wide) == {10, 8}
    assert wide.count(10) == 1 + len(QUESTIONS)


def test_the_page_is_one_small_file_that_asks_the_network_for_nothing(folder: Path) -> None:
    html = (folder / "plan.html").read_text()
    assert len(html) < 6_000_000
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", html)
    assert "default-src 'none'" in html
    assert "<script" not in html


def test_junit_names_every_run(folder: Path) -> None:
    suites = ET.parse(folder / "junit.xml").getroot().findall("testsuite")
    assert {one.get("name") for one in suites} == {
        f"resilience.{name}"
        for name in (
            "health",
            "slow-api",
            "slow-api-phase2",
            "upstream-outage",
            "kv-exhaustion",
            "burst",
            "db-pool",
        )
    }


def test_what_a_run_says_never_becomes_markup(tmp_path: Path) -> None:
    nasty = "</p><img src=x onerror=alert(1)> | {in_flight} {{ 7 * 7 }}"
    said = {**point("P0.1", nasty, "fail", nasty, in_flight=3.0), "evidence": nasty, "threshold": nasty}
    document = found([said, {**said, "id": "P0.1.upstream"}], broke_first=nasty, preset=nasty, target=nasty)
    run = (planned("slow-api", ["P0.1"], code=1), document)
    folder = plan_folder.write(tmp_path / "plan", [run])
    assert files.derive(folder, again=False, quiet=True) == 1
    html, text = (folder / "plan.html").read_text(), (folder / "plan.md").read_text()
    assert "<img" not in html
    assert "49" not in re.findall(r"onerror=alert\(1\)[^<]*", html)[0]
    rows = {
        line.split()[1]: len(re.findall(r"(?<!\\)\|", line))
        for line in text.splitlines()
        if "onerror" in line
    }
    assert (rows["P0.1"], rows["slow-api"]) == (10, 8)


def test_an_empty_plan_says_so(tmp_path: Path) -> None:
    folder = plan_folder.write(tmp_path / "plan", [])
    assert files.derive(folder, quiet=True) == 3
    assert "0 of 0 questions answered" in (folder / "plan.html").read_text()
