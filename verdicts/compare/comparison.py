"""B against A: several runs a side, figure by figure.

    found = compare(Side("A", "none", runs_a), Side("B", "global-concurrency", runs_b), interleaved=True)
    found.sentence          "B (global-concurrency) is better in …, worse in …, not told apart from A in …"
    found.rows              a row a figure: each run's value, the difference with its interval, the call

A call needs `MIN_RUNS` runs a side, each with the figure; without them a row has no call and says why. All
rows that are called are one family (Holm); the load's own start delay is a family of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from verdicts.compare import figures, same_attack, statistics
from verdicts.compare.figures import FIGURES, FigureKind, Reading, View, Witness
from verdicts.compare.statistics import ALPHA, MIN_RUNS, Difference
from verdicts.measure.arrivals import ledger, validity
from verdicts.run.reading import Run, RunFolderError

CALLS: Final = ("better", "worse", "not told apart")


@dataclass(frozen=True)
class Side:
    """The runs of one side in the order in which they were made; `what` is what is special about it."""

    name: str
    what: str
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class ComparedFigure:
    """One figure of both sides. `difference` is None where there is no call; then `why` says why not."""

    kind: FigureKind
    title: str
    witness: Witness
    a: tuple[Reading, ...]
    b: tuple[Reading, ...]
    floor: float = 0.0  # the noise floor in the base unit
    difference: Difference | None = None
    why: str = ""

    @property
    def call(self) -> str:
        """better, worse, not told apart; "no call" without enough runs."""
        return self.difference.call if self.difference else "no call"

    @property
    def within_floor(self) -> bool:
        """The difference is certain, and so small that it is not told apart."""
        found = self.difference
        return found is not None and found.p <= ALPHA and found.call == CALLS[2] and found.difference != 0


@dataclass(frozen=True)
class Comparison:
    """Everything said about two sides."""

    a: Side
    b: Side
    interleaved: bool
    rows: tuple[ComparedFigure, ...]
    slow: frozenset[str]

    @cached_property
    def differs(self) -> tuple[str, ...]:
        """What B was that A was not."""
        return tuple(same_attack.against(self.a.runs[0], self.b.runs[0]))

    @property
    def target_rows(self) -> tuple[ComparedFigure, ...]:
        """The rows about the target; the others are about the load."""
        return tuple(row for row in self.rows if not row.kind.own)

    @property
    def called(self) -> bool:
        """There are enough runs for calls."""
        return min(len(self.a.runs), len(self.b.runs)) >= MIN_RUNS

    @property
    def sentence(self) -> str:
        """The verdict in words: better in these figures, worse in those, not told apart in the others."""
        sides = f"B ({self.b.what})", f"A ({self.a.what})"
        if not self.called:
            counts = f"A has {_runs(self.a)} and B {_runs(self.b)}"
            return (
                f"{sides[0]} beside {sides[1]}, without a call: {counts}, an interval needs {MIN_RUNS} each."
            )
        by_call = {call: [row for row in self.target_rows if row.call == call] for call in CALLS}
        parts = [
            f"{call} in {', '.join(row.title for row in rows)}" for call, rows in by_call.items() if rows
        ]
        against = f"Against {sides[1]}, {sides[0]} is "
        return against + "; ".join(parts) + "." if parts else f"{against}not called in any figure."

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know beside the calls."""
        return tuple(_notes(self))


def _runs(side: Side) -> str:
    return f"{len(side.runs)} run{'s' if len(side.runs) != 1 else ''}"


def compare(a: Side, b: Side, *, interleaved: bool) -> Comparison:
    """Compare valid runs of one attack. Raises RunFolderError for any others."""
    runs = [*a.runs, *b.runs]
    for run in runs:  # first: another attack stays one, a run that the machine made invalid can be made anew
        same_attack.check(runs[0], run)
    all_valid(runs)
    same_attack.alike(a.runs)
    same_attack.alike(b.runs)
    slow = figures.slow_tools(runs)
    views = [View(run, slow) for run in a.runs], [View(run, slow) for run in b.runs]
    rows = [_row(kind, *views) for kind in FIGURES.values()]
    return Comparison(a, b, interleaved, tuple(_called(rows, interleaved=interleaved)), slow)


def all_valid(runs: Iterable[Run]) -> None:
    """Raise RunFolderError, naming the folder and the reasons, for the first invalid run."""
    for run in runs:
        if reasons := invalid(run):
            raise RunFolderError(f"{run.folder}: the run is invalid: {reasons}, allowed: valid runs")


def invalid(run: Run) -> str:
    """Why the run is invalid; "" for a valid one."""
    return "; ".join(validity.check(run, ledger.of(run)).reasons)


def _row(kind: FigureKind, a: Sequence[View], b: Sequence[View]) -> ComparedFigure:
    witness, found = figures.read(kind, [*a, *b])
    sides = tuple(found[: len(a)]), tuple(found[len(a) :])
    return ComparedFigure(
        kind, kind.titled(a[0].run), witness, *sides, kind.floor([*a, *b]), why=_why_not(*sides)
    )


def _why_not(a: Sequence[Reading], b: Sequence[Reading]) -> str:
    """Why there can be no call."""
    reasons = {one.why for one in (*a, *b)}
    if len(reasons) == 1 and (why := reasons.pop()):
        return why
    for name, side in (("A", a), ("B", b)):
        lacking = [one for one in side if math.isnan(one.value)]
        if lacking:
            return f"not taken in {len(lacking)} of {len(side)} runs of {name}: {lacking[0].why}"
    least = min(len(a), len(b))
    return f"{least} run{'s' if least != 1 else ''} a side, {MIN_RUNS} are needed" if least < MIN_RUNS else ""


def _called(rows: Sequence[ComparedFigure], *, interleaved: bool) -> Iterator[ComparedFigure]:
    """Each row with its difference, where it can have one."""
    differences: dict[str, Difference] = {}
    for own in (False, True):
        family = [_figure(row) for row in rows if row.kind.own == own and not row.why]
        differences |= {one.name: one for one in statistics.compare(family, interleaved=interleaved)}
    for row in rows:
        yield ComparedFigure(**{**vars(row), "difference": differences.get(row.kind.id)})


def _figure(row: ComparedFigure) -> statistics.FigurePair:
    return statistics.FigurePair(
        row.kind.id,
        [one.value for one in row.a],
        [one.value for one in row.b],
        row.kind.better,
        floor_relative=row.kind.floor_relative,
        floor_absolute=row.floor,
        scale=row.kind.scale,
    )


def _notes(found: Comparison) -> Iterator[str]:
    yield from (f"No call on {row.title}: {row.why}." for row in found.rows if row.why and found.called)
    success = next(row for row in found.rows if row.kind.id == "success")
    shares = [float(np.mean([one.value for one in side])) for side in (success.a, success.b)]
    if abs(shares[0] - shares[1]) > 0.01:
        yield f"Response times are of the calls that succeeded: {shares[0]:.1%} in A, {shares[1]:.1%} in B."
    delay = next(row for row in found.rows if row.kind.own)
    if delay.call in CALLS[:2]:
        yield "The load's own start delay differs between the sides: look at it before the response times."
    if found.called and not found.interleaved:
        yield "The runs were not made in turns: a drift of the machine between them looks like a difference."
