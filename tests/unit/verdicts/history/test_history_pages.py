"""The history's pages: changes with their commits, in two languages, nothing of a run unescaped."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.history_runs import KEY, made
from verdicts.history import pages, wording
from verdicts.history.series import RunSeries, of
from verdicts.language.words import Say

STEPS = {20: {"p95": 1.05, "cpu": 0.9}, 30: {"P1.5": 1.2}}
RUNS = made(40, steps=STEPS)
COMMITS = f"{RUNS[19].commit}..{RUNS[20].commit}"


@pytest.fixture(scope="module")
def series() -> list[RunSeries]:
    other = KEY._replace(scenario="health", attack="60 s, 1 × 1 req/s (00000000)", protections="<b>none</b>")
    return of([*RUNS, *made(3, key=other)])


def test_the_series_have_their_changes(series: list[RunSeries]) -> None:
    assert [one.key.scenario for one in series] == ["burst", "health"]
    found = {figure.id: [(one.call, one.point.at) for one in figure.changes] for figure in series[0].changed}
    assert found == {"p95": [("worse", 20)], "cpu": [("better", 20)], "P1.5": [("changed", 30)]}
    assert series[1].changed == []
    assert wording.headline(series, Say()) == "Changes: 1 for the worse, 1 for the better, 1 other"
    assert wording.headline(series[1:], Say()) == "No change"
    [first, second] = series[0].figures["p95"].levels
    assert (first[:2], second[:2]) == ((0, 20), (20, 40))
    assert second[2] / first[2] == pytest.approx(1.05, abs=0.01)


def test_a_figure_is_followed_as_the_newest_run_took_it() -> None:
    runs = made(12)
    runs[3] = replace(runs[3], figures=tuple(one._replace(witness="others") for one in runs[3].figures))
    [one] = of(runs)
    assert len(one.figures["p95"].values) == 11


def test_the_files(tmp_path: Path, series: list[RunSeries]) -> None:
    pages.write(tmp_path, series, "", "en")
    html, text = (tmp_path / "history.html").read_text(), (tmp_path / "history.md").read_text()
    assert f"<code>{RUNS[19].commit}</code>..<wbr><code>{RUNS[20].commit}</code>" in html
    assert COMMITS in text
    assert "<b>none" not in html.replace("<b>none</b></td>", "")
    assert "&lt;b&gt;none&lt;/b&gt;" in html
    found = json.loads((tmp_path / "history.json").read_text())
    burst = found["series"][0]
    [change] = next(one for one in burst["figures"] if one["id"] == "p95")["changes"]
    assert (change["call"], change["seen_with_run"]) == ("worse", 23)
    assert change["last_before"] == {"run": "run-19", "of": RUNS[19].commit}
    assert change["first_after"] == {"run": "run-20", "of": RUNS[20].commit}
    assert change["relative"] == pytest.approx(0.05, abs=0.01)


def test_what_is_drawn(series: list[RunSeries]) -> None:
    every, one = pages.html(series, "", "en"), pages.html(series[:1], "burst", "en")
    drawn = [re.findall(r'id="plot-([\w-]+)"', page) for page in (every, one)]
    assert drawn[0] == ["s1-p95", "s1-cpu", "s1-P1-5"]
    assert len(drawn[1]) == len(series[0].figures)
    specs = json.loads(re.findall(r'id="specs">(.*?)</script>', every)[0])
    spec = specs["s1-p95"]
    assert [line["x0"] for line in spec["layout"]["shapes"]] == [20.5]
    assert spec["layout"]["annotations"][0]["text"].startswith("+")
    assert len(spec["data"][1]["y"]) == 40


def test_a_page_without_a_change_says_so(series: list[RunSeries]) -> None:
    assert "No figure has changed." in pages.html(series[1:], "", "en")
    assert "No figure has changed." in pages.markdown(series[1:], "", "en")


def test_no_english_is_left_in_the_japanese_page(series: list[RunSeries]) -> None:
    for page in (pages.html(series, "burst", "ja"), pages.markdown(series, "burst", "ja")):
        body = page.split("<body", 1)[-1].partition('<script type="application/json"')[0]
        text = re.sub(r"<[^>]+>", "\n", body)
        for told in (*KEY, "0.1.0", "req/s"):
            text = text.replace(told, "")
        assert set(re.findall(r"[A-Za-z]{2,}(?: [a-z]{2,})+", text)) <= {"at the origin"}


def test_the_terminal_names_the_commits(tmp_path: Path, series: list[RunSeries]) -> None:
    lines = list(pages.summary(series, tmp_path))
    assert lines[0] == (
        "Changes: 1 for the worse, 1 for the better, 1 other; 16 figures of 2 series, 43 runs."
    )
    assert any(line.startswith("  worse   burst: Response p95 +5") for line in lines)
    assert f"          {COMMITS} (run-19 → run-20)" in lines
    assert lines[-1] == f"  report: {tmp_path / 'history.html'}"
