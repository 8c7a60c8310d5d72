"""The ledger: what became of every arrival, per worker and in sum.

    planned = sent + dropped + unknown        sent = ok + failed + aborted

`planned` is what was due before the run's end or stop: the workers' own last words, held against the
schedule, which is built anew from scenario and seed; where a worker was lost, the schedule alone.
Everything else is counted from the samples, so `unknown` is what the samples do not hold: calls that
a killed process took with it. Calls beyond the schedule (`extra`) stand apart; `retries` are those of them
that repeat an earlier call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Final

import numpy as np

from telemetry.recording.sample import REASON_CODE, Outcome
from verdicts.measure.arrivals.schedule import Due, due
from verdicts.measure.calls import percentiles
from verdicts.run.reading import Mask, Run

LATE_MS: Final = 50.0
BECAME: Final = {name: Outcome[name.upper()] for name in ("dropped", "ok", "failed", "aborted")}


@dataclass(frozen=True, slots=True)
class ArrivalCounts:
    """Arrivals of one worker or of all of them."""

    planned: int = 0
    sent: int = 0
    dropped: int = 0
    unknown: int = 0
    ok: int = 0
    failed: int = 0
    aborted: int = 0
    late: int = 0
    extra: int = 0
    retries: int = 0

    def __add__(self, other: ArrivalCounts) -> ArrivalCounts:
        return ArrivalCounts(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    @property
    def balances(self) -> bool:
        """Both equations hold, and no count is negative."""
        whole = self.planned == self.sent + self.dropped + self.unknown
        return whole and self.sent == self.ok + self.failed + self.aborted and self.unknown >= 0


@dataclass(frozen=True, slots=True)
class ArrivalLedger:
    """Counts of each worker, of all, and how long calls waited to be sent."""

    workers: Mapping[str, ArrivalCounts]
    total: ArrivalCounts
    start_delay: percentiles.Percentiles
    due: Due | None = None

    @property
    def delay_told(self) -> str:
        """The start delay in words."""
        if not self.start_delay.count:
            return "not observed, as no call went out"
        delay = self.start_delay.ms()
        return f"p50 {delay['p50']} ms, p99 {delay['p99']} ms, max {delay['max']} ms"


@lru_cache(maxsize=4)
def of(run: Run) -> ArrivalLedger:
    """The ledger of a run.

    A worker that was lost plans up to its last word only; the gap until others took over is in the
    sum alone.
    """
    by_schedule = due(run)
    workers = dict(zip(run.workers, _of_workers(run), strict=True))
    total = sum(workers.values(), ArrivalCounts())
    if by_schedule is not None and run.lost:
        # By who did not hear of a stop. What was dropped after it was not planned: it stands in for nothing.
        later = run.samples["planned"] > run.load_end
        sent = int(np.count_nonzero(run.sent & later))
        dropped = int(np.count_nonzero(run.arrivals & run.became(Outcome.DROPPED) & later))
        total = replace(total, dropped=total.dropped - dropped)
        total = _planned(total, max(by_schedule.most + sent, total.planned - dropped))
    return ArrivalLedger(workers, total, percentiles.of(percentiles.start_delay(run, run.sent)), by_schedule)


def _of_workers(run: Run) -> Iterator[ArrivalCounts]:
    """Each worker's, in their order."""
    recorded = {name: _by_worker(run, mask) for name, mask in _became(run)}
    for number, planned in enumerate(_planned_by_worker(run)):
        yield _planned(ArrivalCounts(**{name: found[number] for name, found in recorded.items()}), planned)


def _by_worker(run: Run, mask: Mask) -> list[int]:
    """How many of the masked records each worker wrote."""
    ends = accumulate(run.samples.lengths, initial=0)
    return [int(np.count_nonzero(mask[first:end])) for first, end in pairwise(ends)]


def _became(run: Run) -> Iterator[tuple[str, Mask]]:
    """What can be counted of the records: (field of `ArrivalCounts`, the records that count)."""
    extra, out = run.extra, run.out
    arrivals = ~extra
    yield "sent", arrivals & out
    for name, outcome in BECAME.items():
        yield name, arrivals & run.became(outcome)
    yield "late", late(run)
    yield "extra", extra & out
    yield "retries", run.retries & out


def _planned(counts: ArrivalCounts, planned: int) -> ArrivalCounts:
    return replace(counts, planned=planned, unknown=planned - counts.sent - counts.dropped)


def _planned_by_worker(run: Run) -> list[int]:
    """Each worker's last word on what was due; for a lost one what is recorded of the time after it, too."""
    arrivals = _by_worker(run, run.arrivals)
    return [_planned_by(run, number, arrivals[number]) for number in range(len(run.workers))]


def _planned_by(run: Run, number: int, recorded: int) -> int:
    name = run.workers[number]
    lines = run.ledgers[name]
    if not lines:
        return recorded
    last = lines[-1]
    if name not in run.lost:
        return int(last.planned)
    samples = run.samples
    after = (samples["planned"] > last.t) | (samples["reason"] == REASON_CODE["worker_lost"])
    return int(last.planned) + _by_worker(run, run.arrivals & after)[number]


def late(run: Run) -> Mask:
    """Arrivals that went out later than `late_after`."""
    delayed: Mask = run.samples["sent"] - run.samples["planned"] > late_after(run)
    return run.sent & delayed


def late_after(run: Run) -> float:
    """Start delay in seconds beyond which an arrival is late."""
    return float(run.scenario.get("late_ms", LATE_MS)) / 1000


def equation(counts: ArrivalCounts) -> str:
    """The ledger as one line."""
    return (
        f"planned {counts.planned:,} = sent {counts.sent:,} + dropped {counts.dropped:,} "
        f"+ unknown {counts.unknown:,}; "
        f"sent = ok {counts.ok:,} + failed {counts.failed:,} + aborted {counts.aborted:,}"
    )
