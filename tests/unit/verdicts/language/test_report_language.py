"""No page is half translated: every word of templates and code has its Japanese, with the same gaps."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from jinja2 import Environment
from jinja2.ext import extract_from_ast

from common.paths import ROOT
from scenarios.options import FORM, SEVERAL
from telemetry.run_folder.machine import LoadMachine
from tests.support import plan_folder
from tests.support.synthetic_run import Spec, write
from verdicts.history.figures import CPU_SECONDS, TITLES
from verdicts.history.wording import COUNTED
from verdicts.language.catalogue import japanese
from verdicts.language.units import said, translated
from verdicts.language.words import Say, chosen
from verdicts.output.files import derive
from verdicts.plan import files
from verdicts.points.registry import POINTS, UNITS
from verdicts.report.environment import TEMPLATES, environment
from verdicts.suite import suite
from webui import comparing, pages, series_pages
from webui.live import moment, onlooker, target_rows
from webui.series import process
from webui.series.form import fields

PAGES = (
    *("page.html", "plot.html", "plan.html", "plan.md", "suite.html"),
    *("history.html", "history.md", "tune.html", "tune.md", "metastable.html"),
)  # pages in two languages
CODE = (
    "verdicts/explain/headline.py",
    "verdicts/explain/first_break.py",
    "verdicts/suite/overall.py",
    "verdicts/plan/summary.py",
    "verdicts/plan/page.py",
    "verdicts/history/wording.py",
    "verdicts/history/plots.py",
    "verdicts/tuning/page.py",
    "verdicts/tuning/wording.py",
    "verdicts/tuning/growth_page.py",
    "verdicts/tuning/growth_wording.py",
    "verdicts/metastable/page.py",
    "verdicts/metastable/wording.py",
)
WORDS = japanese()
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
# Findings whose unit is a number's name in itself.
AS_THEY_ARE = {"", "%", "s", "ms (p95)", "CPU", "Python", "of {full}"}


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def of_template(name: str, folder: Path = TEMPLATES) -> Iterator[str]:
    tree = Environment().parse((folder / name).read_text())
    for _, _, message in extract_from_ast(tree, ("_",)):
        found = message[0] if isinstance(message, tuple) else message
        if isinstance(found, str):
            yield found


def of_code(file: str) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("say", "self.say"):
            yield from (
                str(one.value)
                for one in ast.walk(node.args[0])
                if isinstance(one, ast.Constant) and one.value not in {"pass", "fail", "invalid"}
            )


@pytest.mark.parametrize("name", PAGES)
def test_every_word_of_a_template_has_its_japanese(name: str) -> None:
    words = set(of_template(name))
    assert words
    assert words - set(WORDS) == set()


@pytest.mark.parametrize("name", sorted(file.name for file in pages.TEMPLATES.glob("*.html")))
def test_every_word_of_the_web_ui_has_its_japanese(name: str) -> None:
    words = set(of_template(name, ROOT / "webui" / "templates"))
    assert words
    assert words - set(WORDS) == set()


def test_what_the_attack_page_is_told_has_its_japanese() -> None:
    told = {*moment.TEXTS.values(), *target_rows.TITLES.values()}
    told |= {FORM[name] for name in ("duration", "target", "seed", "duration_scale", "stack", "nano")}
    assert told - set(WORDS) == set()


def test_what_the_page_of_several_runs_is_told_has_its_japanese() -> None:
    told = {*series_pages.TITLES.values(), *series_pages.TOLD.values(), *series_pages.STATES.values()}
    told |= {option.help for command in SEVERAL for option in fields(command)}
    told |= {series_pages.LABELS[option.name] for command in SEVERAL for option in fields(command)}
    told |= {comparing.MAKING, process.GOING, onlooker.GOING}
    assert told - set(WORDS) == set()


def test_every_figure_of_the_history_has_its_japanese() -> None:
    assert {*TITLES.values(), CPU_SECONDS, *COUNTED} - set(WORDS) == set()


@pytest.mark.parametrize("file", CODE)
def test_every_word_of_the_code_has_its_japanese(file: str) -> None:
    words = {word for word in of_code(file) if not re.fullmatch(r"[a-z_0-9]+", word)}
    assert words
    assert words - set(WORDS) == set()


@pytest.mark.parametrize("english", WORDS)
def test_japanese_leaves_the_same_gaps(english: str) -> None:
    assert gaps(WORDS[english]) == gaps(english)
    left = re.sub(r"\{.*?\}", "", english)
    assert JAPANESE.search(WORDS[english]) or english in AS_THEY_ARE or not re.search(r"[a-z]", left)


def test_a_word_without_japanese_stays_english() -> None:
    assert Say("en")("never heard {n}", n=1) == Say("ja")("never heard {n}", n=1) == "never heard 1"


def test_what_a_machine_says_of_itself_has_its_japanese() -> None:
    names = {name.replace("_", " ").capitalize() for name in LoadMachine.__struct_fields__} - {
        "Cpu",
        "Memory bytes",
    }
    assert names - set(WORDS) == set()


def test_sentences_join_as_the_language_has_it() -> None:
    assert Say("en").join(("One.", None, "", "Two.")) == "One. Two."
    assert Say("ja").join(("一。", None, "二。")) == "一。二。"


def units() -> list[str]:
    """The units of every point that the two golden runs and the points' own source name."""
    found = {point["unit"] for file in (ROOT / "tests" / "golden").glob("*-verdicts.json")
             for point in json.loads(file.read_text())["points"]}  # fmt: skip
    pattern = re.compile(r'^\s+f?"([^"]*)",?( if .*)?$')
    for file in (ROOT / "verdicts" / "points").glob("*.py"):
        lines = file.read_text().splitlines()
        for at, line in enumerate(lines[:-1]):
            if re.search(r"(return|yield) Finding\($", line) and (hit := pattern.match(lines[at + 2])):
                found.add(re.sub(r"\{[^}]*\}", "7", hit[1]))
    return sorted(found)


def test_many_units_are_found() -> None:
    assert len(units()) > 25


@pytest.mark.parametrize("text", units())
def test_every_unit_has_its_japanese(text: str) -> None:
    found = translated(text, UNITS)
    shown = [
        environment(language).from_string("{{ unit(text)|safe }}").render(text=text)
        for language in ("en", "ja")
    ]
    assert shown == [text, found]
    assert JAPANESE.search(found) or text in AS_THEY_ARE, text
    assert re.findall(r"7", found) == re.findall(r"7", text)


def test_units_that_nobody_knows_stay_as_they_are() -> None:
    assert translated("furlongs", UNITS) == "furlongs"


def test_points_that_share_a_unit_agree_on_it() -> None:
    for point in POINTS.values():
        assert dict(point.units).items() <= dict(UNITS).items()
        assert all(english.count("{}") == japanese.count("{}") for english, japanese in point.units.items())


@pytest.mark.parametrize(("asked", "language"), [("ja", "ja"), ("en", "en"), ("fr", "en"), ("", "en")])
def test_the_language_that_is_asked_for(monkeypatch: pytest.MonkeyPatch, asked: str, language: str) -> None:
    monkeypatch.setenv("LANG_REPORT", asked)
    assert chosen() == language
    assert environment(language).globals["language"] == language


def test_no_english_is_left_in_the_plans_japanese_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside what is marked as English (evidence, the question's other language) and names of commands."""
    monkeypatch.setenv("LANG_REPORT", "ja")
    folder = plan_folder.whole(tmp_path / "plan")
    files.derive(folder, quiet=True)
    body = (folder / "plan.html").read_text().split("<body", 1)[1]
    body = re.sub(r"<(\w+)[^>]* lang=\"en\"[^>]*>.*?</\1>", "", body, flags=re.DOTALL)
    text = re.sub(
        r"<[^>]+>", "\n", re.sub(r"<(pre|dl class=\"facts\").*?</(pre|dl)>", "", body, flags=re.DOTALL)
    )
    left = set(re.findall(r"[A-Za-z]{2,}(?: [a-z]{2,})+", text))
    assert left <= {"make plan", "make breakpoint"}
    assert not re.search(r"\d (%|s|ms|MB)(?![A-Za-z])", text)


@pytest.mark.parametrize(
    "spec",
    [
        Spec(duration=4.0),
        Spec(duration=4.0, fault=(1.0, 2.0, "db_error"), extra=3, workers=("a", "b"), lost=("b",)),
        Spec(duration=4.0, killed=True),
        Spec(duration=4.0, bundled=False, probes=False, scenario_data={"thresholds": {}, "points": []}),
    ],
)
def test_a_whole_report_and_a_suite_in_japanese(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: Spec
) -> None:
    monkeypatch.setenv("LANG_REPORT", "ja")
    folder = write(tmp_path / "run", spec)
    code = derive(folder, quiet=True).exit_code
    html = (folder / "report.html").read_text()
    assert '<html lang="ja">' in html
    for english in ("Did the target hold", "Answers</h2>", "Ledger</h2>", "Arrivals planned"):
        assert english not in html
    suite.write(tmp_path, "phase1", [suite.SuiteRun.of("burst", folder, code)], ["burst", "health"])
    page = (tmp_path / "suite.html").read_text()
    assert '<html lang="ja">' in page
    assert "ターゲットは耐えたか" in page


def test_a_list_of_words_is_said_word_by_word() -> None:
    assert said("queue, repeats", "ja") == "処理待ちの行列、再試行"
    assert said("queue, repeats", "en") == "queue, repeats"
    assert said("queue, or so", "ja") == "queue, or so"
    assert said("metastable", "ja").startswith("準安定")
