"""What each protection buys: the rows of a breakpoint search as data, text and page.

    breakpoint.json   {"schema_version", "scenario", "written", "machine", "nano", "rows": […]}, carried on
                      by the next search into the same folder
    breakpoint.html   one page, no network

A row is one set of protections. `kind`, `lower`, `upper` (attackers' req/s), `confirmed`: those of
`shapes.search.Result`; `held` is the last trial that passed at `lower`, `broke` the first one that failed at
`upper`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from common.files.atomic_write import write_whole
from shapes.search import MACHINE, Kind, Result
from verdicts.breakpoint.interval import Interval, interval
from verdicts.breakpoint.prediction import Prediction, predict
from verdicts.breakpoint.trial import TrialOutcome

SCHEMA_VERSION: Final = 1
FILE: Final = "breakpoint.json"
PAGE: Final = "breakpoint.html"
HEAD: Final = (
    *("protections", "breakpoint req/s", "95 % interval", "predicted", "in flight", "goroutines"),
    *("memory MiB", "innocents' success %"),
    *("beyond it %", "first bound to break", "limit that came first", "confirmed", "trials"),
)
NO: Final = "–"
BASE: Final = "none"


@dataclass(frozen=True)
class BreakpointRow:
    """One set of protections; see the module. `note`: why the search ended early; `same_as`: not searched."""

    protect: str
    kind: Kind
    lower: float | None
    upper: float | None
    confirmed: bool
    limit: str
    trials: tuple[TrialOutcome, ...]
    note: str = ""
    same_as: str = ""

    @classmethod
    def of(
        cls, protect: str, result: Result, trials: Iterable[TrialOutcome], note: str = ""
    ) -> BreakpointRow:
        """The row of a search that ended."""
        found = (result.kind, result.lower, result.upper, result.confirmed, result.first_limit)
        return cls(protect, *found, tuple(trials), note)

    @classmethod
    def restore(cls, data: Mapping[str, Any]) -> BreakpointRow:
        """A row of breakpoint.json; keys of a later version are passed over. Raises ValueError."""
        return msgspec.convert(data, cls)

    def shared(self, protect: str) -> BreakpointRow:
        """The answer of another set that comes to the same."""
        return replace(self, protect=protect, same_as=self.protect, trials=(), note="")

    @property
    def answered(self) -> bool:
        """Something is known."""
        return self.kind != "none"

    @property
    def finished(self) -> bool:
        """It is answered, and nothing ended its search early."""
        return self.answered and not self.note

    @property
    def borne(self) -> float | None:
        """The breakpoint as a number; None where there is only "at least", or its search ended early."""
        return self.lower if self.kind == "breakpoint" and self.finished else None

    @property
    def held(self) -> TrialOutcome | None:
        """The last trial that passed at the breakpoint."""
        return next((one for one in reversed(self.trials) if one.passed and one.rate == self.lower), None)

    @property
    def broke(self) -> TrialOutcome | None:
        """The first trial that failed above it, for the limit that is named."""
        failed = [one for one in self.trials if not one.passed and one.rate == self.upper]
        return next((one for one in failed if one.limit == self.limit), None)

    @property
    def interval(self) -> Interval | None:
        """Between which rates it lies, by all trials but those that this machine limited."""
        return interval((one.rate, one.passed) for one in self.trials if one.limit != MACHINE)

    @property
    def predicted(self) -> Prediction | None:
        """What the trials below it say of it."""
        return predict(self.trials, self.lower)

    @property
    def answer(self) -> str:
        """The breakpoint in words; both ends of it where its search ended early."""
        if self.kind == "breakpoint":
            return f"between {self.lower:.4g} and {self.upper:.4g}" if self.note else f"{self.lower:.4g}"
        if self.kind == "none":
            return "not known"
        return f"at least {self.lower:.4g}" if self.kind == "at least" else f"below {self.upper:.4g}"

    def cells(self, rows: Sequence[BreakpointRow] = ()) -> tuple[str, ...]:
        """As text, in the order of HEAD; `rows` are those that this one may share its answer with."""
        if self.same_as:
            first = next((row for row in rows if row.protect == self.same_as), None)
            told = (first or self).cells()[1:-1]
            return (self.protect, *told, f"as {self.same_as}: the same protections")
        held, broke = self.held, self.broke
        return (
            self.protect,
            self.answer,
            *(NO if told is None else str(told) for told in (self.interval, self.predicted)),
            *(_cell(value) for value in _load(held)),
            _cell(None if broke is None else broke.success),
            (broke.bound if broke else "") or NO,
            self.limit or NO,
            _confirmed(self),
            f"{len(self.trials)}" + (f" ({self.note})" if self.note else ""),
        )


def _load(held: TrialOutcome | None) -> tuple[float | None, ...]:
    if held is None:
        return (None,) * 4
    return (held.in_flight, held.goroutines, held.memory_mib, held.success)


def _cell(value: float | None) -> str:
    return NO if value is None else f"{value:,.0f}" if isinstance(value, int) else f"{value:,.1f}"


def _confirmed(row: BreakpointRow) -> str:
    return "yes" if row.confirmed else "no" if row.lower is not None else NO


def table(rows: Sequence[BreakpointRow]) -> str:
    """The rows as text in columns."""
    lines = [HEAD, *(row.cells(rows) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def markdown(rows: Sequence[BreakpointRow]) -> str:
    """The rows as a table of a Markdown page."""
    lines = [HEAD, ("---",) * len(HEAD), *(row.cells(rows) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def document(scenario: str, rows: Sequence[BreakpointRow], **about: Any) -> dict[str, Any]:
    """breakpoint.json."""
    return {
        "schema_version": SCHEMA_VERSION,
        "scenario": scenario,
        "written": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        **about,
        "rows": [{**asdict(row), "interval": row.interval, "predicted": row.predicted} for row in rows],
    }


def read(folder: Path) -> tuple[dict[str, Any], list[BreakpointRow]]:
    """(the document, its rows) of a folder. Raises OSError, ValueError."""
    try:
        found = json.loads((folder / FILE).read_bytes())
        if found["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"schema_version {found['schema_version']!r}, allowed: {SCHEMA_VERSION}")
        return found, [BreakpointRow.restore(row) for row in found["rows"]]
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"not a table of breakpoints: {error}") from None


def write(folder: Path, found: Mapping[str, Any], page: str) -> None:
    """Both files, each whole or not at all."""
    for name, text in ((FILE, json.dumps(found, indent=1, ensure_ascii=False) + "\n"), (PAGE, page)):
        write_whole(folder / name, text)


def sentence(rows: Sequence[BreakpointRow]) -> str:
    """What the table shows, in words."""
    known = [row for row in rows if row.lower is not None and not row.same_as]
    base = next((row for row in known if row.protect == BASE), None)
    if base is None:
        return "; ".join(f"{row.protect}: {_words(row)}" for row in known) or "Nothing is known yet."
    begin = f"Without protection it bears {_words(base)}."
    others = [row for row in known if row is not base and row.finished]
    if not others or not base.finished:
        return begin
    most, least = max(others, key=_lower), min(others, key=_lower)
    return (
        f"{begin} The most is bought by {most.protect}: {_times(most, base)}{_words(most)}; "
        f"the least by {least.protect}: {_times(least, base)}{_words(least)}."
    )


def _words(row: BreakpointRow) -> str:
    held = row.held
    flying = f", {held.in_flight:,} in flight" if held and held.in_flight is not None else ""
    limit = f", then {row.limit}" if row.limit else ""
    early = ", not searched to its end" if row.note else ""
    return f"{row.answer} req/s{flying}{limit}{early}"


def _lower(row: BreakpointRow) -> float:
    return row.lower or 0.0


def _times(row: BreakpointRow, base: BreakpointRow) -> str:
    """Nothing where it is not known how much the base bears."""
    if base.kind != "breakpoint":
        return ""
    least = "at least " if row.kind == "at least" else ""
    return f"{least}{_lower(row) / _lower(base):.2g} times as much, "
