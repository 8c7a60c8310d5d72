"""The report: one HTML page with everything in it, the verdict first."""

from __future__ import annotations

from itertools import chain
from typing import Any

from verdicts.explain import headline
from verdicts.judge.judge import Judgement
from verdicts.language.words import Say
from verdicts.measure.arrivals import own_limits
from verdicts.measure.calls import failure_kinds
from verdicts.measure.calls.series import PerSecond
from verdicts.measure.target import cpu, fault_ledger, origins
from verdicts.report import client_figures, markers, plotly_js, rerun, target_figures
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
    return (
        environment(language)
        .get_template("page.html")
        .render(
            judged=judged,
            run=run,
            found=found,
            started=started(run),
            cards=headline.cards(judged, found, say),
            sentence=headline.sentence(judged, say),
            broke_first=headline.broke_first(judged, say),
            sections=sections,
            spans=spans,
            processes=_processes(run),
            failures=failure_kinds.of(run),
            own_limits=own_limits.of(run),
            faults=fault_ledger.of(run),
            commands=rerun.commands(run),
            specs=embedded(_specs(sections, spans, (seconds.first, seconds.first + seconds.count))),
            plotly=plotly_js.packed(),
        )
    )


def _processes(run: Run) -> list[cpu.ProcessUsage]:
    own = [] if run.manifest.bundled else cpu.of_sources(run, origins.sources(run))
    return [*cpu.usage(run), *own]


def _sections(judged: Judgement, seconds: PerSecond) -> list[Section]:
    run = judged.run
    found = [
        ("The attack", list(client_figures.attack(run, seconds, judged.ledger.start_delay))),
        ("What callers saw", list(client_figures.service(run, seconds))),
        ("Processes, measured", list(target_figures.measured(run, _processes(run)))),
        ("Nano instance, modelled", list(target_figures.modelled(run))),
    ]
    return [section for section in found if section[1]]


def _specs(
    sections: list[Section], spans: list[markers.Marker], shown: tuple[float, float]
) -> dict[str, Any]:
    marks = markers.marks(spans)
    figures = chain.from_iterable(figures for _, figures in sections)
    return {figure.id: figure.spec(marks, shown) for figure in figures}
