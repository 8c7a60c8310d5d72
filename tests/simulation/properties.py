"""What must hold of every world, once it is over. (What must hold at each step is checked in `world.py`.)

What counts is the target's own count beside the records on disk, and the product's own ledger and verdict
made of those records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Final, cast

import numpy as np

from telemetry.probing.target_log import TargetLog
from telemetry.recording.sample import CUT_OFF, REASON_CODE, REASONS, SAMPLE, Outcome
from telemetry.run_folder import end as ends
from telemetry.run_folder.lines import LedgerLine
from telemetry.run_folder.machine import machine
from telemetry.run_folder.manifest import SCHEMA_VERSION, Manifest
from telemetry.run_folder.reading import RunFolderError, lines
from tests.simulation.telemetry_side import spooled
from tests.simulation.world import RUN, World
from users.cluster.performer import LEASE
from verdicts.measure.arrivals import ledger, validity
from verdicts.run.run import Run
from verdicts.run.samples import Samples

MACHINE: Final = machine()
SLACK: Final = 0.5  # seconds within which an instant of the run is known to every process
SILENT_AFTER: Final = LEASE + SLACK  # seconds after the last word of a master that is gone
MOST_MISSING: Final = 0.001


def check(world: World) -> list[str]:
    """Every property that does not hold."""
    records = Records(world)
    found = [*world.failures, *_records(world, records), *_silence(world), *_points(world)]
    try:
        return [*found, *_verdict(world, records)]
    except RunFolderError as error:
        return [*found, f"the run folder cannot be read: {error}"]


class Records:
    """What is on disk, by worker; a torn record at the end of a file is no record."""

    def __init__(self, world: World) -> None:
        self.names = [worker.process.name for worker in world.workers[: world.case.workers]]
        self.samples = [self._read(world, name) for name in self.names]
        self.index = np.concatenate([np.empty(0, np.int64), *(one["index"] for one in self.samples)])
        self.outcome = np.concatenate([np.empty(0, np.uint8), *(one["outcome"] for one in self.samples)])
        self.reason = np.concatenate([np.empty(0, np.uint8), *(one["reason"] for one in self.samples)])

    @staticmethod
    def _read(world: World, name: str) -> Any:
        data = bytes(world.disk.files.get(f"{RUN}/samples-{name}.bin", b""))
        return np.frombuffer(data[: len(data) // SAMPLE.itemsize * SAMPLE.itemsize], SAMPLE)


def _end(world: World) -> ends.RunEnd | None:
    return ends.read(cast(Any, world.disk.path(RUN)))


def _records(world: World, records: Records) -> Iterator[str]:
    """Each arrival has one record at most, which says what the target saw; none is missing for nothing."""
    end = _end(world)
    counts = Counter(records.index.tolist())
    for arrival, count in counts.items():
        if not 0 <= arrival < len(world.schedule):
            yield f"arrival {arrival} is none of the schedule's"
        elif count > 1:
            yield f"arrival {arrival} is recorded {count} times"
    for arrival, outcome in zip(records.index.tolist(), records.outcome.tolist(), strict=True):
        seen = world.target.counts[arrival]
        if outcome == Outcome.DROPPED and seen:
            yield f"arrival {arrival} is recorded as dropped, and {world.target.senders[arrival]} sent it"
        elif outcome == Outcome.OK and not seen:
            yield f"arrival {arrival} is recorded as answered, and was never sent"
    if end is None or "power cut" in world.injected:  # what is not there any more is the verdict's to see
        return
    lost = {worker.name for worker in end.workers if worker.lost}
    silent = {one for one in lost if not world.final(one)}
    planned = world.schedule.planned
    due = planned if end.stopped_at is None else planned[planned < end.stopped_at - CUT_OFF - SLACK]
    missing = [arrival for arrival in range(len(due)) if not counts[arrival]]
    nobodys = records.index[records.reason == REASON_CODE["worker_lost"]]
    if end.stopped_at is not None and (planned[nobodys] > end.stopped_at).any():
        yield f"{nobodys.tolist()} are recorded as nobody's, some of them planned after the stop"
    if missing and not lost:
        yield f"arrivals {missing} are missing, and no worker was lost"
    for arrival in world.target.counts.keys() - counts.keys():
        if world.target.senders[arrival] not in silent:
            yield f"{world.target.senders[arrival]} sent arrival {arrival}, which it says nothing of"
    if world.nothing_died and silent and not world.stopped:
        yield f"{', '.join(sorted(silent))}: lost, and nothing happened"


def _silence(world: World) -> Iterator[str]:
    """Soon after a run, or its master, is over no call begins any more.

    One that had begun to connect when its process was frozen goes out when that thaws: it is its own.
    """
    late = world.target.last - world.over_at
    if late > SILENT_AFTER:
        yield f"a call began {late:.1f} s after the run was over"


def _points(world: World) -> Iterator[str]:
    """Each point is in the database once, or waits on disk, or is counted as dropped."""
    if "power cut" in world.injected:
        return
    kept = {*world.database.points, *spooled(world.disk)}
    gone = [one for one in world.points if one not in kept]
    dropped = sum(exporter.dropped for exporter in world.exporters)
    if len(gone) > dropped:
        yield f"{len(gone)} points are nowhere, {dropped} are counted as dropped"
    if extra := kept - set(world.points):
        yield f"{len(extra)} points were never made"


def _verdict(world: World, records: Records) -> Iterator[str]:
    """The product's own ledger and verdict, made of what is on disk."""
    end = _end(world)
    run = _run(world, records, end)
    book = ledger.of(run)
    found = validity.check(run, book)
    total, seen, due = book.total, sum(world.target.counts.values()), sum(_seen(world, end))
    missing = total.dropped + total.unknown
    whole = end is not None and "power cut" not in world.injected
    if whole and not total.balances:
        yield f"the ledger does not balance: {ledger.equation(total)}"
    if found.valid and (end is None or missing > MOST_MISSING * total.planned or world.cannot):
        yield f"a run in which {missing} of {total.planned} are missing is valid"
    if whole and not (total.ok <= seen and due <= total.sent + total.unknown):
        told = f"{total.ok} to {total.sent} + {total.unknown}"
        yield f"the target counted {seen}, {due} of what was due, the ledger says {told}"
    if found.valid and end is not None and end.completed and total.planned != len(world.schedule):
        yield f"a run of {total.planned} arrivals is valid, and {len(world.schedule)} were to be sent"
    if world.case.calm and (world.cannot or not found.valid):
        yield f"nothing went wrong, and the run is invalid: {world.cannot or found.reasons}"


def _seen(world: World, end: ends.RunEnd | None) -> Iterator[int]:
    """The target's counts of what was due; a worker that cannot hear of a stop goes on for its lease."""
    until = float("inf") if end is None or end.stopped_at is None else end.stopped_at
    for arrival, count in world.target.counts.items():
        if world.schedule.planned[arrival] <= until:
            yield count


def _run(world: World, records: Records, end: ends.RunEnd | None) -> Run:
    case = world.case
    folder = cast(Any, world.disk.path(RUN))
    names = tuple(records.names)
    groups = ({"name": "g", "rate": case.arrivals / case.span, "accounts": {"count": 1}, "shape": SHAPE},)
    scenario = {"name": "s", "duration": case.span, "seed": 0, "groups": groups, "late_ms": 50}
    about = Manifest(
        schema_version=SCHEMA_VERSION, run="run", reasons=REASONS, machine=MACHINE, version="0",
        scenario=scenario, target={"name": "t", "path": "/"}, bundled=False, protections=(), seed=0,
        start_wall=0.0, duration_s=case.span, tools=("tools/list",), groups=("g",), workers=len(names),
    )  # fmt: skip
    return Run(
        folder=cast(Any, PurePosixPath(RUN)),
        manifest=about,
        workers=names,
        samples=Samples(records.samples),
        worker=np.repeat(np.arange(len(names), dtype=np.uint16), [len(one) for one in records.samples]),
        ledgers={name: tuple(lines(folder / f"ledger-{name}.jsonl", LedgerLine)) for name in names},
        instances={},
        target=TargetLog({}),
        events=(),
        end=end,
    )


SHAPE: Final = {"kind": "constant", "params": {}}
