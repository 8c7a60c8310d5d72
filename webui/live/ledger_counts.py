"""What the loading processes counted, bin by bin, from ledger lines that are still being added.

A worker says its counts once a second, at instants of its own. Between two of its lines each count is taken
to have grown evenly; so every arrival is in one bin, and the bins add up to the ledger's last line.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

from telemetry.recording.tail import LineTail
from telemetry.run_folder.lines import LedgerLine

KEYS: Final = ("planned", "sent", "dropped", "done", "in_flight")
OF_LOAD: Final = 3  # so many of KEYS grow while load is sent, and no later
SILENT: Final = 5.0  # seconds behind the newest line from which on a worker is not waited for: it is lost
Counts = tuple[int, ...]
"""One number for each of KEYS."""


class WorkerCounts:
    """One worker's counts at the ends of bins, from its lines in their order."""

    def __init__(self, width: float, load_end: float) -> None:
        self.t = 0.0
        self.ends: list[Counts] = []
        self._last: Counts = (0,) * len(KEYS)
        self._width = width
        self._load_end = load_end

    def add(self, line: LedgerLine) -> None:
        """A line, and with it the ends of all bins since the one before."""
        now = tuple(getattr(line, key) for key in KEYS)
        while (end := (len(self.ends) + 1) * self._width) <= line.t:
            shares = [self._share(end, line.t, self._load_end)] * OF_LOAD
            shares += [self._share(end, line.t, math.inf)] * (len(KEYS) - OF_LOAD)
            grown = zip(self._last, now, shares, strict=True)
            self.ends.append(
                tuple(round(before + (after - before) * share) for before, after, share in grown)
            )
        self.t, self._last = max(line.t, self.t), now

    def _share(self, end: float, t: float, last: float) -> float:
        """How much of the growth until `t` there was at `end`, when there was none after `last`."""
        span = min(t, last) - self.t
        return min((min(end, last) - self.t) / span, 1.0) if span > 0 else 1.0

    def at(self, number: int) -> Counts:
        """Counts at the end of that bin; those of the last line where it says nothing of it."""
        return self.ends[number] if number < len(self.ends) else self._last


class LedgerCounts:
    """All workers of a run folder."""

    def __init__(self, run_dir: Path, width: float, load_end: float = math.inf) -> None:
        """`width` of a bin in seconds, the first from the zero on; no load is planned after `load_end`."""
        self._dir = run_dir
        self._width = width
        self._load_end = load_end
        self._tails: dict[Path, LineTail[LedgerLine]] = {}
        self._workers: dict[Path, WorkerCounts] = {}

    def read(self) -> None:
        """Take in the lines that are new."""
        for path in self._dir.glob("ledger-*.jsonl"):
            tail = self._tails.setdefault(path, LineTail(path, LedgerLine))
            worker = self._workers.setdefault(path, WorkerCounts(self._width, self._load_end))
            while lines := tail.read():
                for line in lines:
                    worker.add(line)

    def bins(self, over: bool) -> int:
        """How many bins all have told of; of a run that is over also the last, which no line may fill."""
        newest = max((worker.t for worker in self._workers.values()), default=0.0)
        if over:
            return math.ceil(newest / self._width)
        heard = [worker for worker in self._workers.values() if worker.t >= newest - SILENT]
        return min((len(worker.ends) for worker in heard), default=0)

    def curves(self, bins: int) -> dict[str, list[int]]:
        """Each of KEYS over so many bins: how much it grew in each; `in_flight` as it stood at its end."""
        rows = [tuple(map(sum, zip(*ends, strict=True))) for ends in self._ends(bins)]
        found = {key: [row[place] for row in rows] for place, key in enumerate(KEYS)}
        return {key: values if key == "in_flight" else _growth(values) for key, values in found.items()}

    def _ends(self, bins: int) -> list[list[Counts]]:
        return [[worker.at(number) for worker in self._workers.values()] for number in range(bins)]


def _growth(values: list[int]) -> list[int]:
    return [after - before for before, after in zip([0, *values], values, strict=False)]
