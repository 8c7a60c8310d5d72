"""The report: one HTML page with everything in it, the verdict first."""

from __future__ import annotations

from itertools import chain
from typing import Any

from telemetry.run_folder import series
from verdicts.explain import headline
from verdicts.judge.judge import Judgement
from verdicts.language.words import Say
from verdicts.measure.arrivals import own_limits
from verdicts.measure.calls import failed_calls, failure_kinds
from verdicts.measure.calls.series import PerSecond
from verdicts.measure.target import cpu, fault_ledger, origins
from verdicts.report import (
    client_figures,
    markers,
    plotly_js,
    rerun,
    rest_figures,
    slow_calls,
    target_figures,
)
from verdicts.report.environment import embedded, environment
from verdicts.report.figure import Figure
from verdicts.run.facts import started
from verdicts.run.reading import Run

Section = tuple[str, list[Figure]]


def render(judged: Judgement, found: dict[str, Any], language: str = "en") -> str:
    """The page; `found` is the document of verdicts.json, `language` en or ja."""
    run, seconds = judged.run, PerSecond.of(judged.run)
    sections = _sections(judged, seconds)
    spans, say = markers.spans(run), Say(language)
    failures, faults, processes = failure_kinds.of(run), fault_ledger.of(run), _processes(run)
    slowest = slow_calls.of(run)
    return (
        environment(language)
        .get_template("page.html")
        .render(
            judged=judged,
            run=run,
            found=found,
            started=started(run),
            whole=series.whole_of(run.folder),
            cards=headline.cards(judged, found, say),
            sentence=headline.sentence(judged, say),
            broke_first=headline.broke_first(judged, say),
            sections=sections,
            spans=spans,
            processes=processes,
            failures=failures,
            failed_calls=failed_calls.of(run, failures),
            slow_calls=slowest,
            own_limits=own_limits.of(run),
            faults=faults,
            commands=rerun.commands(run),
            parts=_parts(bool(failures), bool(slowest), bool(faults.entries), sections, bool(processes)),
            specs=embedded(_specs(sections, spans, (seconds.first, seconds.first + seconds.count))),
            plotly=plotly_js.packed(),
        )
    )


def _parts(
    failed: bool, traced: bool, faults: bool, sections: list[Section], processes: bool
) -> list[tuple[str, str]]:
    """(id, title) of each section of the page."""
    parts = [
        (True, "answers", "Answers"),
        (failed, "failures", "What failed, and what the target said"),
        (traced, "slow-calls", "The slowest calls and their traces"),
        (faults, "faults", "Faults"),
        *((True, f"plots-{number}", title) for number, (title, _) in enumerate(sections, 1)),
        (processes, "processes", "CPU of each process"),
        (True, "ledger", "Ledger"),
        (True, "again", "Make it again"),
    ]
    return [(id, title) for there, id, title in parts if there]


def _processes(run: Run) -> list[cpu.ProcessUsage]:
    own = [] if run.manifest.bundled else cpu.of_sources(run, origins.sources(run))
    return [*cpu.usage(run), *own]


def _sections(judged: Judgement, seconds: PerSecond) -> list[Section]:
    run = judged.run
    found = [
        ("The attack", list(client_figures.attack(run, seconds, judged.ledger.start_delay))),
        ("What callers saw", list(client_figures.service(run, seconds))),
        ("Processes, measured", list(target_figures.measured(run, _processes(run)))),
        ("Rests between waves", list(rest_figures.of(run))),
        ("Nano instance, modelled", list(target_figures.modelled(run))),
    ]
    return [section for section in found if section[1]]


def _specs(
    sections: list[Section], spans: list[markers.Marker], shown: tuple[float, float]
) -> dict[str, Any]:
    marks = markers.marks(spans)
    figures = chain.from_iterable(figures for _, figures in sections)
    return {figure.id: figure.spec(marks, shown) for figure in figures}
