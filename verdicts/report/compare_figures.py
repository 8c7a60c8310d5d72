"""Plots of a comparison: the runs of a side as thin lines, their median in bold, A and B in one plot."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from verdicts.compare.comparison import Comparison, Side
from verdicts.compare.figures import View, number
from verdicts.measure.calls import outcomes, percentiles
from verdicts.measure.calls.series import PerSecond
from verdicts.measure.target import origins
from verdicts.report.figure import Figure, Numbers, Trace, steps
from verdicts.run.reading import Floats
from verdicts.run.samples import Values

COLORS: Final = {"A": "c1", "B": "c4"}
MIB: Final = 2**20
Series = Callable[[View, PerSecond], Floats]
"""A value a second of the run's `PerSecond`, NaN where there is none."""


class Plot(NamedTuple):
    """What one plot shows of each run."""

    id: str
    title: str
    unit: str
    of: Series
    basis: str = "measured"


def figures(found: Comparison) -> list[Figure]:
    """Every plot that some run of each side has numbers for."""
    made = (_figure(found, plot) for plot in _plots(found))
    return [figure for figure in made if figure is not None]


def extent(plots: Sequence[Figure]) -> tuple[float, float]:
    """The seconds that some plot has a number for: no plot is wider than what it shows."""
    known = [trace.x[~np.isnan(trace.y.astype(np.float64))] for figure in plots for trace in figure.traces]
    ends = [(float(x.min()), float(x.max()) + 1) for x in known if x.size]
    return min((first for first, _ in ends), default=0.0), max((last for _, last in ends), default=1.0)


def _plots(found: Comparison) -> Iterator[Plot]:
    users = "all users" if found.a.runs[0].judged.all() else "innocent users"
    yield Plot("sent", "Sent", "a second", _sent)
    yield Plot("in-flight", "Calls in flight, by the callers", "calls", _in_flight)
    yield Plot(
        "at-origin",
        "In flight at the origin, at each scrape",
        "requests",
        partial(_gauge, "mcpist_in_flight"),
    )
    yield Plot("success", f"Success rate of {users}", "%", partial(_share, "ok"))
    yield Plot("refused", f"Share refused of {users}", "%", partial(_share, "refused"))
    for name in ("p50", "p95", "p99"):
        yield Plot(name, f"Response {name} of {users}", "ms", partial(_response, name))
    if found.slow:
        yield Plot("added", f"Gateway overhead p95 on slow tools of {users}", "ms", _added)
    if found.a.runs[0].manifest.bundled:
        memory = partial(_gauge, "mcpist_memory_bytes", factor=1 / MIB)
        yield Plot("memory", "Memory of the nano", "MiB", memory, "modelled")
    else:
        memory = partial(_gauge, "process_resident_memory_bytes", factor=1 / MIB)
        yield Plot("memory", "Resident memory of the origin", "MiB", memory)


def _figure(found: Comparison, plot: Plot) -> Figure | None:
    sides = [_side(side, found.slow, plot.of) for side in (found.a, found.b)]
    if any(np.isnan(values).all() for _, values in sides):
        return None
    medians, lines, told = [], [], []
    for side, (seconds, values) in zip((found.a, found.b), sides, strict=True):
        color, middle = COLORS[side.name], _median(values)
        medians.append(steps(f"{side.name}: median", seconds, middle, color, width=2.5))
        runs = (steps(f"{side.name} run {n}", seconds, row, color) for n, row in enumerate(values, 1))
        lines += [_thin(trace) for trace in runs]
        told.append(f"{side.name} {_told(middle)}")
    summary = f"The median run, second by second ({plot.unit}): {'; '.join(told)}."
    return Figure(plot.id, plot.title, plot.unit, plot.basis, summary, [*lines, *medians])


def _told(middle: Floats) -> str:
    known = middle[~np.isnan(middle)]
    low, middle_value, high = (number(float(one)) for one in (known.min(), np.median(known), known.max()))
    return f"from {low} to {high}, {middle_value} in the middle"


def _thin(trace: Trace) -> Trace:
    """A run's own line: it is seen, and neither in the legend nor under the pointer."""
    spec: dict[str, Any] = {**trace.spec, "opacity": 0.3, "hoverinfo": "skip", "showlegend": False}
    return replace(trace, spec={**spec, "line": {**spec["line"], "width": 1}})


def _side(side: Side, slow: frozenset[str], of: Series) -> tuple[Numbers, Floats]:
    """(seconds, a row a run) of a side; NaN where a run has no such second."""
    grids = [PerSecond.of(run) for run in side.runs]
    first = min(0, *(grid.first for grid in grids)) if len(grids) > 1 else grids[0].first
    last = max(grid.first + grid.count for grid in grids)
    values = np.full((len(grids), last - first), np.nan)
    for row, run, grid in zip(values, side.runs, grids, strict=True):
        row[grid.first - first : grid.first - first + grid.count] = of(View(run, slow), grid)
    return np.arange(first, last), values


def _median(values: Floats) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a second that no run has
        middle: Floats = np.nanmedian(values, axis=0)
    return middle


def _sent(view: View, grid: PerSecond) -> Floats:
    return grid.counts("sent", view.run.sent).astype(np.float64)


def _in_flight(view: View, grid: PerSecond) -> Floats:
    return grid.in_flight.astype(np.float64)


def _share(became: str, view: View, grid: PerSecond) -> Floats:
    """Percent of the calls planned in each second."""
    mask = view.run.ok if became == "ok" else outcomes.refused(view.run)
    sent = grid.counts("planned", view.judged)
    of_them = grid.counts("planned", view.judged & mask)
    return np.where(sent > 0, 100 * of_them / np.maximum(sent, 1), np.nan)


def _response(name: str, view: View, grid: PerSecond) -> Floats:
    calls = view.succeeded(slow=False)
    return _ms(grid, percentiles.response(view.run, calls), name)


def _added(view: View, grid: PerSecond) -> Floats:
    calls = view.succeeded(slow=True) & ~np.isnan(view.run.samples["upstream_s"])
    return _ms(grid, percentiles.overhead(view.run, calls), "p95")


def _ms(grid: PerSecond, seconds: Values, name: str) -> Floats:
    found: Floats = 1000 * grid.percentiles(seconds)[name]
    return found


def _gauge(name: str, view: View, grid: PerSecond, factor: float = 1.0) -> Floats:
    """The highest value of a gauge, over the origins, among the scrapes of each second."""
    values = np.full(grid.count, np.nan)
    for source in origins.sources(view.run):
        t, told = view.run.target.series(source, name)
        place = np.floor(t).astype(np.int64) - grid.first
        inside = (place >= 0) & (place < grid.count)
        np.fmax.at(values, place[inside], told[inside] * factor)
    return values
