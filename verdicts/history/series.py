"""The history's runs as series: each figure over the runs of one attack, and where it changed.

for one in of(store.read(folder)):            newest series first
    one.figures["p95"].changes                with the runs on both sides
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from verdicts.compare import change_points
from verdicts.compare.change_points import ChangePoint, Scale
from verdicts.history.entry import Better, HistoryRun, RunFigure, SeriesKey

Call = Literal["worse", "better", "changed"]


class SeriesChange(NamedTuple):
    """A change of one figure, between two runs that follow each other in its series."""

    point: ChangePoint
    last_before: HistoryRun
    first_after: HistoryRun
    call: Call

    @property
    def range(self) -> tuple[str, str]:
        """(what was attacked last before it, what first after it): the change is in between."""
        return self.last_before.of, self.first_after.of


@dataclass(frozen=True)
class FigureSeries:
    """A figure over the runs that have it, as the newest of them took it."""

    newest: RunFigure
    runs: tuple[HistoryRun, ...]
    values: tuple[float, ...]

    @property
    def id(self) -> str:
        """The figure's."""
        return self.newest.id

    @cached_property
    def changes(self) -> tuple[SeriesChange, ...]:
        """Where it changed, the first one first."""
        found = change_points.changes(self.values, self.scale)
        return tuple(
            SeriesChange(one, self.runs[one.at - 1], self.runs[one.at], _call(one, self.newest.better))
            for one in found
        )

    @property
    def scale(self) -> Scale:
        """How the values are looked at."""
        return self.newest.scale

    @property
    def levels(self) -> list[tuple[int, int, float]]:
        """(first run, the one behind its last, mean) of each level, places in `values`."""
        edges = [0, *(one.point.at for one in self.changes), len(self.values)]
        means = [
            *(one.point.before for one in self.changes[:1]),
            *(one.point.after for one in self.changes),
        ]
        known = means or [change_points.level(self.values, self.scale)]
        return list(zip(edges, edges[1:], known, strict=False))


@dataclass(frozen=True)
class RunSeries:
    """The runs of one attack on one thing by one kind of machine, the first one first."""

    key: SeriesKey
    runs: tuple[HistoryRun, ...]

    @cached_property
    def figures(self) -> dict[str, FigureSeries]:
        """By id, in the order of the newest run that has them."""
        newest: dict[str, RunFigure] = {}
        for run in reversed(self.runs):
            for figure in run.figures:
                newest.setdefault(figure.id, figure)
        return {id: _over(self.runs, figure) for id, figure in newest.items()}

    @property
    def changed(self) -> list[FigureSeries]:
        """The figures that changed at least once."""
        return [one for one in self.figures.values() if one.changes]


def of(runs: Iterable[HistoryRun]) -> list[RunSeries]:
    """The series of some runs, the one with the newest run first."""
    found: dict[SeriesKey, list[HistoryRun]] = {}
    for run in sorted(runs, key=lambda one: one.started):
        found.setdefault(run.key, []).append(run)
    made = [RunSeries(key, tuple(one)) for key, one in found.items()]
    return sorted(made, key=lambda one: -one.runs[-1].started)


def _over(runs: Sequence[HistoryRun], newest: RunFigure) -> FigureSeries:
    found = [
        (run, figure.value)
        for run in runs
        for figure in run.figures
        if figure.id == newest.id and figure.witness == newest.witness
    ]
    return FigureSeries(newest, tuple(run for run, _ in found), tuple(value for _, value in found))


def _call(one: ChangePoint, better: Better) -> Call:
    if not better:
        return "changed"
    return "better" if (one.after < one.before) == (better == "lower") else "worse"
