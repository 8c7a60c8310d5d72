"""The rows of a search for the frontier, one after the other, on one stack.

After every trial `metastable.json` is whole, after every row its page is: Ctrl-C, a kill and the budget
leave what is known. A trial that proves nothing is tried `ATTEMPTS` times; then its row ends, and the next
search into the same folder tries again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from cli.frontier import storms
from cli.frontier.request import FrontierRequest
from cli.frontier.storms import StormPolicy
from cli.launch import carried_on
from cli.launch.series import START
from cli.search.drive import STOPPED, Budget, Drive, Say
from common import exit_codes
from common.paths import ROOT
from shapes.frontier.search import LOWEST, Frontier, StormPoint
from telemetry.run_folder.machine import machine
from telemetry.run_folder.series import SeriesWriter, about
from verdicts.metastable import answer, files, metastable_file
from verdicts.metastable.metastable_file import MetastableFile, StormRow, StormTrial

ATTEMPTS: Final = 3
Trials = Callable[[StormPolicy, StormPoint], StormTrial | None]


class StormRows:
    """`trials` makes one at a row and a point, None if it was stopped."""

    def __init__(
        self, request: FrontierRequest, trials: Trials, say: Say, progress: SeriesWriter,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._request, self._trials, self._say, self._progress = request, trials, say, progress
        longest = storms.length_of(request.scenario, max(request.lengths), request.scale) + START
        self._budget = Budget(request.budget, longest, clock)
        self._rows = {(row.protect, row.agents): row for row in request.before.rows} if request.before else {}

    def run(self) -> None:
        """Every row in turn."""
        for place, policy in enumerate(self._request.rows):
            label = self._progress.begins(place)
            row = self._one(policy, label)
            self.write()
            finished = not row.note
            self._say(self._progress.ended(place, exit_codes.PASS if finished else exit_codes.OURS))
            if row.note == STOPPED:
                return

    def _one(self, policy: StormPolicy, label: str) -> StormRow:
        row = replace(self._rows.get(policy, StormRow(**policy._asdict())), note="")
        search = self._search(row)
        drive: Drive[StormPoint, StormTrial] = Drive(
            lambda point: self._trials(policy, point),
            self._budget,
            lambda line: self._say(f"{label}: {line}"),
            self._told,
            attempts=ATTEMPTS,
            outcomes=list(row.trials),
            aside=list(row.aside),
        )

        def heard(point: StormPoint, trial: StormTrial) -> None:
            search.report(point, trial.back)
            self._keep(policy, replace(row, trials=tuple(drive.outcomes), aside=tuple(drive.aside)))

        note = drive.through(search.next_trial, heard)
        return self._keep(
            policy, replace(row, trials=tuple(drive.outcomes), aside=tuple(drive.aside), note=note)
        )

    def _search(self, row: StormRow) -> Frontier:
        return answer.search(self.document(), row)

    def _keep(self, policy: StormPolicy, row: StormRow) -> StormRow:
        self._rows[policy] = row
        metastable_file.write(self._request.folder, self.document())
        return row

    def _told(self, point: StormPoint, trial: StormTrial, seconds: float) -> str:
        rate = point.load * self._request.capacity
        came = "did not come back" if not trial.back else f"back after {trial.seconds or 0:g} s"
        left = about(self._progress.series.left(self._progress.clock()))
        at = f"load {point.load:.3g} ({rate:.3g} req/s), trigger {point.length:.3g} s"
        return f"{at}: {came}, {seconds:.0f} s; at most {left} left"

    def document(self) -> MetastableFile:
        """`metastable.json` as it is now; rows of before that were not asked for again come last."""
        request, options = self._request, self._request.options
        asked = [self._rows[policy] for policy in request.rows if policy in self._rows]
        others = [row for policy, row in self._rows.items() if policy not in request.rows]
        return MetastableFile(
            written=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            scenario=request.scenario.name, scenario_digest=carried_on.digest(request.scenario),
            title=request.scenario.title.en, capacity=request.capacity, capacity_of=request.capacity_of,
            loads=request.loads, lengths=request.lengths,
            lowest_load=LOWEST.load, lowest_length=LOWEST.length, tolerance=request.tolerance,
            duration_scale=request.scale, seed=options.seed or "", stack=options.stack or "",
            nano=options.nano or "", version=(ROOT / "VERSION").read_text().strip(), budget_s=request.budget,
            machine=machine(), rows=(*asked, *others),
        )  # fmt: skip

    def write(self) -> None:
        """Both files, whole."""
        files.write(self._request.folder, self.document())
