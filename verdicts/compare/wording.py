"""What a comparison's rows say in words: the same in the page, at the terminal, in compare.json.

A difference is B minus A: in percent of A for times, counts and rates, in points for shares, and in the
figure's own unit where A is 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

from verdicts.compare.comparison import ComparedFigure, Comparison
from verdicts.compare.figures import UNITS, Reading, number

HEAD: Final = ("figure", "A", "B", "difference", "interval", "call", "basis")
NONE: Final = "–"


def centre(row: ComparedFigure, side: str) -> str:
    """A side's mean (the geometric one where it is compared by ratio), or why there is none."""
    if row.difference is not None:
        return row.kind.shown(getattr(row.difference, side))
    known = [one.value for one in getattr(row, side) if not math.isnan(one.value)]
    return row.kind.shown(sum(known) / len(known)) if known else NONE


def calls(readings: Sequence[Reading]) -> str:
    """How many calls a figure is over in each run; "" for one that is over none."""
    counts = [one.calls for one in readings]
    if not any(counts):
        return ""
    low, high = min(counts), max(counts)
    return f"{low:,} calls a run" if low == high else f"{low:,} to {high:,} calls a run"


def difference(row: ComparedFigure) -> str:
    """B minus A."""
    found = row.difference
    if found is None:
        return NONE
    return _signed(row, found.relative, found.difference)


def interval(row: ComparedFigure) -> str:
    """The interval of the difference, with its level."""
    found = row.difference
    if found is None:
        return NONE
    relative = found.relative_interval or (None, None)
    low, high = (_signed(row, *pair, unit=False) for pair in zip(relative, found.interval, strict=True))
    return f"{low} … {high} ({100 * found.level:.4g} %)"


def _signed(row: ComparedFigure, relative: float | None, absolute: float, *, unit: bool = True) -> str:
    """With its sign; nothing is +0."""
    factor = UNITS[row.kind.unit][0]
    value = absolute * factor if relative is None or row.kind.unit == "share" else 100 * relative
    text = number(abs(value)) if abs(value) >= 0.0005 else "0"
    sign = "" if text == "0" else "−" if value < 0 else "+"
    return f"{sign}{text}" + (f" {_unit(row, relative)}" if unit else "")


def _unit(row: ComparedFigure, relative: float | None) -> str:
    if row.kind.unit == "share":
        return "points"
    return "%" if relative is not None else UNITS[row.kind.unit][1]


def probability(p: float) -> str:
    """A p-value in words."""
    return f"p {p:.2g}" if p >= 0.0001 else "p < 0.0001"


def floor(row: ComparedFigure) -> str:
    """The noise floor in words."""
    absolute = row.kind.shown(row.floor) if row.floor else ""
    if row.kind.unit == "share":
        return absolute.replace("%", "points")
    share = f"{100 * row.kind.floor_relative:g} %"
    return f"{share}, at least {absolute}" if absolute else share


def cells(row: ComparedFigure) -> tuple[str, ...]:
    """The row as text, in the order of HEAD."""
    sides = (centre(row, "a"), centre(row, "b"))
    return (row.title, *sides, difference(row), interval(row), row.call, row.witness.basis)


def table(found: Comparison) -> Iterator[str]:
    """The rows as lines, the figure to the left and numbers to the right."""
    lines = [HEAD, *(cells(row) for row in found.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    for line in lines:
        padded = (
            cell.rjust(width) if 0 < place < 5 else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        yield "  " + "  ".join(padded).rstrip()


def summary(found: Comparison, folder: Path, repeated: Sequence[tuple[str, str]] = ()) -> Iterator[str]:
    """What the terminal shows: the sentence, the table, what a reader must know, where the report is."""
    yield f"{'COMPARED' if found.called else 'NO CALL'}: {found.sentence}"
    differs = (f"B differs in {one}" for one in found.differs)
    again = (f"made again: {run}: {why}" for run, why in repeated)
    yield from chain(table(found), (f"  {note}" for note in chain(differs, found.notes, again)))
    yield f"  report: {folder / 'compare.html'}"
