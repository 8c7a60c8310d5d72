"""`summary.md`: a run in a pull request's comment, and what GitHub Actions shows of it.

With GITHUB_STEP_SUMMARY set the text is appended to that file; with GITHUB_ACTIONS every point that failed
becomes an annotation, every one that is invalid a warning.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from verdicts.explain import headline
from verdicts.judge.judge import Judgement
from verdicts.measure.arrivals.ledger import equation
from verdicts.output.terminal import stopped

FILE: Final = "summary.md"
STEP_SUMMARY: Final = "GITHUB_STEP_SUMMARY"
ACTIONS: Final = "GITHUB_ACTIONS"
SIGNS: Final = {"pass": "✅", "fail": "❌", "info": "ℹ️", "invalid": "⚠️", "inconclusive": "⚠️"}
LEVELS: Final = {"fail": "error", "invalid": "warning"}


def text(judged: Judgement) -> str:
    """The run as Markdown: verdict, how it was stopped, ledger, what broke first, a row a point."""
    return "\n".join(_lines(judged)) + "\n"


def _lines(judged: Judgement) -> Iterator[str]:
    run = judged.run
    sign = SIGNS["invalid" if run.cut_short else judged.verdict]  # as its exit code: it proves nothing
    yield f"### {sign} {run.scenario['name']}: {judged.verdict}"
    yield ""
    if early := stopped(judged):
        yield _cell(early)
        yield ""
    yield _cell(headline.sentence(judged))
    yield ""
    yield f"- {equation(judged.ledger.total)}; late {judged.ledger.total.late:,}"
    yield f"- first to break: {_cell(headline.broke_first(judged))}"
    yield ""
    yield "| | question | answer | allowed |"
    yield "|---|---|---|---|"
    for point in judged.points[1:]:
        question = f"{point.question.en} ({point.id})"
        cells = (SIGNS[point.status], question, point.answer, point.threshold or "–")
        yield f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    """One line, without what ends a cell or begins markup of its own."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def append_to_step(document: str, environ: Mapping[str, str] = os.environ) -> None:
    """Add the text to the step's summary, where there is one. Raises OSError."""
    if path := environ.get(STEP_SUMMARY):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{document}\n")


def workflow_commands(judged: Judgement, environ: Mapping[str, str] = os.environ) -> Iterator[str]:
    """A workflow command for each point that failed or is invalid; none outside of GitHub Actions."""
    if not environ.get(ACTIONS):
        return
    name = judged.run.scenario["name"]
    for point in judged.points:
        if level := LEVELS.get(point.status):
            title = f"{name}: {point.question.en}"
            said = f"{point.answer}, allowed: {point.threshold or 'see the report'}. {point.evidence}"
            yield f"::{level} title={_property(title)}::{_escaped(said)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
