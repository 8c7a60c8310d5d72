"""The answer of a search for the frontier, from its trials: what comes back, and from where on nothing does.

some      a bracket was found: below it the system comes back, above it does not
none      it came back from every trial, the highest load and the longest trigger twice
unknown   neither is known yet
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from shapes.frontier.search import Frontier, FrontierLine, StormPoint
from verdicts.metastable.metastable_file import MetastableFile, StormRow

State = Literal["some", "none", "unknown"]


@dataclass(frozen=True)
class RowAnswer:
    """One row's. `finished`: no trial is wanted any more, and none would be if more were allowed."""

    row: StormRow
    lines: tuple[FrontierLine, ...]
    finished: bool

    @property
    def state(self) -> State:
        """See the module."""
        if any(line.found.upper is not None for line in self.lines):
            return "some"
        return "none" if self.finished else "unknown"

    @property
    def frontier(self) -> list[StormPoint]:
        """Points of it that are confirmed, by load."""
        sure = (line.middle for line in self.lines if line.found.confirmed)
        return sorted(middle for middle in sure if middle is not None)


def search(found: MetastableFile, row: StormRow) -> Frontier:
    """The search of a row, as far as its trials go."""
    return Frontier(
        found.loads, found.lengths, lowest=StormPoint(found.lowest_load, found.lowest_length),
        tolerance=found.tolerance, known=((trial.point, trial.back) for trial in row.trials),
    )  # fmt: skip


def answers(found: MetastableFile) -> list[RowAnswer]:
    """Row by row."""
    return [_answer(row, search(found, row)) for row in found.rows]


def _answer(row: StormRow, made: Frontier) -> RowAnswer:
    lines = tuple(made.lines)
    return RowAnswer(row, lines, made.next_trial() is None and all(line.found.confirmed for line in lines))


def of_state(rows: Iterable[RowAnswer], state: State) -> list[RowAnswer]:
    """Those in that state."""
    return [row for row in rows if row.state == state]
