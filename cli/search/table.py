"""The searches of one table of breakpoints, row by row, on one stack; the table is whole after each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from cli.search import protection_sets
from cli.search.drive import STOPPED, Budget, Say
from cli.search.request import SearchRequest, asked
from cli.search.search import search
from cli.search.trials import own_rate
from common import exit_codes
from shapes.search import Search
from telemetry.run_folder.machine import machine
from telemetry.run_folder.series import SeriesWriter
from verdicts.breakpoint import table
from verdicts.breakpoint.page import render
from verdicts.breakpoint.table import BreakpointRow
from verdicts.breakpoint.trial import TrialOutcome

GROWTH: Final = 4.0
MAX_TRIALS: Final = 20
AROUND_LOAD: Final = 15.0  # seconds of a trial before and after its load, as a first guess


class Searches:
    """The rows of a table; `trials` runs one at a set of protections and a rate, None if it was stopped."""

    def __init__(
        self,
        request: SearchRequest,
        trials: Callable[[str, float], TrialOutcome | None],
        say: Say,
        progress: SeriesWriter | None = None,
    ) -> None:
        self.rows = list(request.rows)
        self._progress = progress
        self._request, self._trials, self._say = request, trials, say
        scenario = request.scenario
        guess = (
            scenario.duration + (scenario.drain or scenario.timeout or request.target.timeout) + AROUND_LOAD
        )
        self._budget = Budget(request.budget, guess)
        self._stopped = ""

    def run(self) -> None:
        """Every row in turn."""
        for place, protect in enumerate(self._request.protects):
            if self._stopped:
                return
            if self._progress:
                self._progress.begins(place)
            self._one(protect, f"[{place + 1}/{len(self._request.protects)}] {protect}")
            if self._progress:
                known = any(row.protect == protect and row.finished for row in self.rows)
                self._progress.ended(place, exit_codes.PASS if known else exit_codes.OURS)

    def _one(self, protect: str, label: str) -> None:
        known = [row.protect for row in self.rows if row.finished and self._within(row)]
        if protect in known:
            self._say(f"{label}: known already")
            return
        if other := protection_sets.same_as(protect, known):
            row = next(row for row in self.rows if row.protect == other).shared(protect)
            self._say(f"{label}: the same protections as {other}")
        else:
            row = self._search(protect, label)
        self.rows = [*(one for one in self.rows if one.protect != protect), row]
        self._stopped = row.note if row.note == STOPPED else ""
        self.write()

    def _within(self, row: BreakpointRow) -> bool:
        """The row did not end at an end of its range that lies further away now."""
        if row.kind == "at least" and row.lower is not None and row.upper is None:
            return row.lower >= self._request.high
        return row.kind != "below" or row.upper is None or row.upper <= self._request.low

    def _search(self, protect: str, label: str) -> BreakpointRow:
        request, start = self._request, self._start(protect)
        self._say(f"{label}: from {start:.4g} req/s")
        machine = Search(
            request.low,
            request.high,
            start=start,
            tolerance=request.tolerance,
            growth=GROWTH,
            max_trials=MAX_TRIALS,
        )
        row = search(
            protect, machine, lambda rate: self._trials(protect, rate), self._budget,
            lambda line: self._say(f"{label}: {line}"),
        )  # fmt: skip
        self._say(f"{label}: " + (f"{row.answer} ({row.note})" if row.note else f"{machine.result}"))
        return row

    def _start(self, protect: str) -> float:
        known = {row.protect: row.lower for row in self.rows if row.lower is not None}
        likely = (
            self._request.start or protection_sets.start(protect, known) or own_rate(self._request.scenario)
        )
        return min(max(likely, self._request.low), self._request.high)

    def write(self) -> None:
        """Both files, whole."""
        request, scenario = self._request, self._request.scenario
        rows = self.ordered()
        found = table.document(
            rows=rows, title=scenario.title.en, stopped=self._stopped,
            machine=msgspec.to_builtins(machine()),
            nano=scenario.stack_settings().nano.model_dump() if request.target.bundled else {},
            **asked(request.options, scenario, request.target, request.tolerance),
        )  # fmt: skip
        table.write(request.folder, found, render(found, rows, table.sentence(rows)))

    def ordered(self) -> list[BreakpointRow]:
        """As the table has them; rows asked for by hand come last."""
        order = protection_sets.rows()
        return sorted(
            self.rows, key=lambda row: order.index(row.protect) if row.protect in order else len(order)
        )
