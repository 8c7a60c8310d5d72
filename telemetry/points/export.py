"""A run folder into points, as far as it has been written. The same folder always gives the same points.

`read` gives what is new since the last call; `finish` the rest, when nothing more will be written.
The ledgers are read before the samples: what a ledger line vouches for is then surely read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from telemetry.points.aggregate import WorkerSeconds
from telemetry.points.event_points import event_point
from telemetry.points.point import DataPoint, Field, RunPoints
from telemetry.points.target_points import TargetPoints
from telemetry.points.whole_run import WholeRun
from telemetry.recording.requests import counted
from telemetry.recording.tail import LineTail, SampleTail
from telemetry.run_folder.lines import Event, Scrape
from telemetry.run_folder.manifest import Manifest

T = TypeVar("T")
LEDGER_SKIP: Final = frozenset({"t", "sessions", "addresses"})


def _figures(entry: dict[str, Any]) -> dict[str, Field]:
    """A ledger line's own and those of its sessions: `sessions_opened` and so on."""
    own = {key: value for key, value in entry.items() if key not in LEDGER_SKIP}
    return own | {f"sessions_{key}": value for key, value in entry.get("sessions", {}).items()}


def _any_ledger(path: Path) -> LineTail[dict[str, Any]]:
    return LineTail(path, dict[str, Any])


class Export:
    """One run on its way to points."""

    def __init__(self, run_dir: Path, manifest: Manifest) -> None:
        self._dir = run_dir
        self._manifest = manifest
        self._points = RunPoints(manifest)
        self._ledgers: dict[str, LineTail[dict[str, Any]]] = {}
        self._samples: dict[str, SampleTail] = {}
        self._seconds: dict[str, WorkerSeconds] = {}
        self._marks: dict[str, float] = {}
        self._whole_run = WholeRun()
        self._target = LineTail(run_dir / "target.jsonl", Scrape)
        self._target_points = TargetPoints(self._points)
        self._events = LineTail(run_dir / "events.jsonl", Event)
        self._event_number = 0

    def read(self) -> list[DataPoint]:
        """The points of what is new, without those of seconds that are not over."""
        return list(self._new())

    def finish(self) -> list[DataPoint]:
        """All the rest."""
        points: list[DataPoint] = []
        while found := self.read():
            points += found
        self._marks = dict.fromkeys(self._seconds, math.inf)
        return [*points, *self._closed()]

    def _new(self) -> Iterator[DataPoint]:
        yield from self._read_ledgers()
        self._read_samples()
        yield from self._closed()
        for scrape in self._target.read():
            yield from self._target_points.of(scrape)
        for event in self._events.read():
            self._event_number += 1
            yield event_point(self._points, event, self._event_number)

    def _read_ledgers(self) -> Iterator[DataPoint]:
        for worker, tail in self._tails("ledger", ".jsonl", self._ledgers, _any_ledger):
            for entry in tail.read():  # every figure goes on, known to `LedgerLine` or not
                self._marks[worker] = entry["t"]
                yield self._points.make("arrivals", {"worker": worker}, _figures(entry), entry["t"])
                for address, counts in entry.get("addresses", {}).items():
                    tags = {"worker": worker, "address": address}
                    yield self._points.make("addresses", tags, counts, entry["t"])

    def _read_samples(self) -> None:
        for worker, tail in self._tails("samples", ".bin", self._samples, SampleTail):
            while (samples := tail.read()).size:
                requests = counted(samples)
                self._worker(worker).feed(requests)
                self._whole_run.feed(requests)

    def _worker(self, worker: str) -> WorkerSeconds:
        if worker not in self._seconds:
            tools, reasons = self._manifest.tools, self._manifest.reasons
            self._seconds[worker] = WorkerSeconds(worker, tools, reasons)
        return self._seconds[worker]

    def _closed(self) -> Iterator[DataPoint]:
        for worker, seconds in self._seconds.items():
            yield from seconds.closed(self._points, self._marks.get(worker, -math.inf))
        yield from self._whole_run.closed(self._points, self._marks.values())

    def _tails(
        self, kind: str, suffix: str, known: dict[str, T], make: Callable[[Path], T]
    ) -> Iterator[tuple[str, T]]:
        for path in sorted(self._dir.glob(f"{kind}-*{suffix}")):
            worker = path.name.removeprefix(f"{kind}-").removesuffix(suffix)
            if worker not in known:
                known[worker] = make(path)
            yield worker, known[worker]
