"""The page of a suite: target, protections, duration, plots over its runs, then each run with its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from verdicts.language.words import Say
from verdicts.points.registry import question
from verdicts.report import plotly_js
from verdicts.report.environment import embedded, environment
from verdicts.suite import overall, suite_figures


class SuiteFacts(NamedTuple):
    """What the page's head says of all runs; `protections`: a set in words → the runs that had it."""

    started: str
    targets: list[str]
    load_s: float
    protections: dict[str, list[str]]


def facts(runs: overall.Runs) -> SuiteFacts:
    """Of the runs that left a verdict."""
    told = [(name, found) for name, found in runs.items() if found]
    sets: dict[str, list[str]] = {}
    for name, found in told:
        sets.setdefault(protections(found), []).append(name)
    return SuiteFacts(
        min((str(found["started"]) for _, found in told), default=""),
        list(dict.fromkeys(str(found["target"]) for _, found in told)),
        sum(float(found["duration_s"]) for _, found in told),
        sets,
    )


def protections(found: Mapping[str, Any]) -> str:
    """A run's protections: the preset's name, or names; "" for none."""
    return str(found.get("preset") or ", ".join(found["protections"]))


def render(document: Mapping[str, Any], entries: Sequence[object], runs: overall.Runs, say: Say) -> str:
    """The page; `document` is suite.json, `entries` its runs, `runs` their verdicts.json by name."""
    plots = suite_figures.figures(runs)
    drawn = {"specs": embedded({plot.id: plot.spec for plot in plots}), "plotly": plotly_js.packed()}
    return (
        environment(say.language)
        .get_template("suite.html")
        .render(
            suite=document,
            entries=entries,
            facts=facts(runs),
            protections=protections,
            cards=overall.cards(runs, say),
            plots=plots,
            question=lambda id: question(id, say.language),
            **(drawn if plots else {}),
        )
    )
