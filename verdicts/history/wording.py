"""What the history says in words, English or Japanese: titles, values, changes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from verdicts.compare.figures import UNITS, number
from verdicts.history import figures
from verdicts.history.series import FigureSeries, RunSeries, SeriesChange
from verdicts.language.units import gap, translated
from verdicts.language.words import Say
from verdicts.points.registry import UNITS as OF_POINTS
from verdicts.points.registry import question

COUNTED: Final = ("worse", "better", "changed")


def title(figure: FigureSeries, say: Say) -> str:
    """`Response p95`; of a point its question, with its id."""
    if figure.id in figures.TITLES:
        return say(figures.TITLES[figure.id])
    asked = question(figure.id, say.language)
    return f"{asked} ({figure.id})" if asked else figure.id


def factor(figure: FigureSeries) -> float:
    """From the unit that is kept to the one that people read."""
    return UNITS[figure.newest.unit][0] if _of_ours(figure) else 1.0


def unit(figure: FigureSeries, say: Say) -> str:
    """The unit that people read."""
    kept = figure.newest.unit
    if _of_ours(figure):
        return UNITS[kept][1]
    if kept == figures.CPU_SECONDS:
        return say(kept)
    return translated(kept, OF_POINTS) if say.language == "ja" else kept


def shown(figure: FigureSeries, value: float, say: Say) -> str:
    """A value with its unit."""
    found = unit(figure, say)
    return f"{number(value * factor(figure))}{gap(found, say.language) if found else ''}{found}"


def _of_ours(figure: FigureSeries) -> bool:
    return figure.id in figures.TITLES and figure.newest.unit in UNITS


def difference(figure: FigureSeries, change: SeriesChange, say: Say) -> str:
    """`+5.1 %`; of a share `−2 points`, and from 0 the value itself."""
    point = change.point
    away = point.after - point.before
    sign = "−" if away < 0 else "+"
    if figure.scale == "share":
        return say("{sign}{points} points", sign=sign, points=number(abs(100 * away)))
    if math.isinf(point.relative):
        return f"{sign}{shown(figure, abs(away), say)}"
    return f"{sign}{number(abs(100 * point.relative))} %"


def between(change: SeriesChange) -> str:
    """`1a2b3c4..5d6e7f8`, as git names a range of commits; the one name where both are the same."""
    before, after = change.range
    return before if before == after else f"{before}..{after}"


def moment(started: float) -> str:
    """When a run's load began."""
    return datetime.fromtimestamp(started, UTC).strftime("%Y-%m-%d %H:%M UTC")


def headline(series: Sequence[RunSeries], say: Say) -> str:
    """`2 for the worse, 1 for the better`."""
    calls = [change.call for one in series for figure in one.changed for change in figure.changes]
    told = {
        "worse": say("{n} for the worse", n=calls.count("worse")),
        "better": say("{n} for the better", n=calls.count("better")),
        "changed": say("{n} other", n=calls.count("changed")),
    }
    found = [told[call] for call in COUNTED if call in calls]
    comma = "、" if say.language == "ja" else ", "
    return say("Changes: {what}", what=comma.join(found)) if found else say("No change")


def sentence(series: Sequence[RunSeries], say: Say) -> str:
    """How much was looked at."""
    counts = {
        "figures": sum(len(one.figures) for one in series),
        "series": len(series),
        "runs": sum(len(one.runs) for one in series),
    }
    return say("{figures} figures of {series} series, {runs} runs.", **counts)


def summary(figure: FigureSeries, say: Say) -> str:
    """What a plot shows: the newest value, the level, the changes."""
    *_, (_, _, level) = figure.levels
    values = {
        "runs": len(figure.values),
        "last": shown(figure, figure.values[-1], say),
        "level": shown(figure, level, say),
    }
    told = [say("{runs} runs, the last {last}, its level {level}.", **values)]
    told += [
        say("{difference} between {runs}.", difference=difference(figure, one, say), runs=runs(one))
        for one in figure.changes
    ]
    return say.join(told)


def runs(change: SeriesChange) -> str:
    """The last run before it, and the first one after."""
    return f"{change.last_before.run} → {change.first_after.run}"


def newest_first(series: Iterable[RunSeries]) -> list[tuple[RunSeries, FigureSeries, SeriesChange]]:
    """Every change, the one with the newest run first."""
    found = [(one, figure, change) for one in series for figure in one.changed for change in figure.changes]
    return sorted(found, key=lambda row: -row[2].first_after.started)
