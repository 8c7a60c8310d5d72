"""Did we do what we said? A run that did not is `invalid`, whatever the target did.

| reason | bound |
|---|---|
| dropped or unknown | more than 0.1 % of planned |
| late | more than 1 % of sent |
| the ledger | either equation, a worker's own counts or the target's count do not agree |
| our own limits | one call that could not be made for a limit of this machine (`own_limits`) |
| `max_rps` | one session that it left no turn to open |
| faults | one that did not happen as planned (`verdicts.measure.target.fault_ledger`) |
| the process | killed before its ledger was closed, or nothing was planned at all |

Late and dropped arrivals have a cause on this machine, so the verdict also says who used its CPU, unless a
process that was killed or lost took them with it; and it says so of a run that counts where the bundled stack
had to share a full machine with others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from msgspec import UNSET

from telemetry.recording.sample import NO_ROOM, Outcome
from telemetry.run_folder.lines import LedgerLine
from verdicts.measure.arrivals import own_limits, target_count
from verdicts.measure.arrivals.ledger import ArrivalCounts, ArrivalLedger, equation, late, late_after
from verdicts.measure.target import cpu, fault_ledger, machine
from verdicts.run.reading import Run

MOST_LOST: Final = 0.001  # dropped or unknown, share of planned
MOST_LATE: Final = 0.01  # share of sent
BUSY: Final = 0.9  # of a core, or of the whole machine
OPENING: Final = ("initialize", "notifications/initialized")


@dataclass(frozen=True, slots=True)
class Validity:
    """`reasons` is empty for a valid run; `starved` says who used the CPU where that matters."""

    reasons: tuple[str, ...]
    starved: str = ""

    @property
    def valid(self) -> bool:
        """The run's numbers may be judged."""
        return not self.reasons


def check(run: Run, ledger: ArrivalLedger) -> Validity:
    """Every reason why the run is invalid."""
    behind = tuple(_behind(ledger.total))
    own = own_limits.reasons(run)
    faults = fault_ledger.of(run).problems()
    reasons = (*own, *_unopened(run), *behind, *_ended(run, ledger), *_balance(run, ledger), *faults)
    by_cpu = behind and not (_taken_along(run) and ledger.total.late == 0)
    return Validity(reasons, starved(run) if by_cpu else machine.crowded(run))


def _unopened(run: Run) -> Iterator[str]:
    """Calls of an account without a session fail, and the target is not why."""
    count = run.reasons(run.became(Outcome.DROPPED) & run.of_tools(OPENING)).get(NO_ROOM, 0)
    if count:
        yield f"max_rps left no room to open a session, {count:,} times: its calls failed for that"


def _taken_along(run: Run) -> bool:
    """What was not sent went with the process that should have sent it."""
    return run.killed or bool(run.lost)


def _behind(total: ArrivalCounts) -> Iterator[str]:
    for name, count in (("dropped", total.dropped), ("unknown", total.unknown)):
        if total.planned and count / total.planned > MOST_LOST:
            share = over(count, total.planned, MOST_LOST)
            yield f"{count:,} of {total.planned:,} planned arrivals {name} ({share})"
    if total.sent and total.late / total.sent > MOST_LATE:
        yield f"{total.late:,} of {total.sent:,} calls late ({over(total.late, total.sent, MOST_LATE)})"


def over(part: int, whole: int, most: float) -> str:
    """A share that is more than `most`, with as many digits as show it: `1.004%, allowed 1 %`."""
    digits = 2
    while digits < 9 and float(f"{100 * part / whole:.{digits}f}") <= 100 * most:
        digits += 1
    return f"{part / whole:.{digits}%}, allowed {100 * most:g} %"


def _ended(run: Run, ledger: ArrivalLedger) -> Iterator[str]:
    if not ledger.total.planned:
        yield "nothing was planned: the load never began"
    if run.killed:
        yield f"the load process was killed near {run.load_end:.1f} s, so its ledger was never closed"
    elif run.lost:
        yield from (f"worker {name} was lost" for name in sorted(run.lost) if _matters(ledger.total))


def _matters(total: ArrivalCounts) -> bool:
    return bool(total.planned) and (total.dropped + total.unknown) / total.planned > MOST_LOST


def _balance(run: Run, ledger: ArrivalLedger) -> Iterator[str]:
    for name, counts in ledger.workers.items():
        if not counts.balances:
            yield f"worker {name}: {equation(counts)} does not balance"
        if name not in run.lost:
            yield from _own_words(name, counts, run.ledgers[name])
    if not ledger.total.balances:
        yield f"all workers: {equation(ledger.total)} does not balance"
    if (twice := repeated(run)) > 0:
        yield f"{twice:,} arrivals are recorded more than once"
    if ledger.due and not run.lost and not ledger.due.least <= ledger.total.planned <= ledger.due.most:
        yield f"the workers planned {ledger.total.planned:,} arrivals, the schedule {ledger.due.most:,}"
    if problem := target_count.disagreement(run, ledger):
        yield problem


def _own_words(name: str, counts: ArrivalCounts, lines: tuple[LedgerLine, ...]) -> Iterator[str]:
    """Where a worker's last ledger line and its samples tell different stories."""
    if not lines:
        yield f"worker {name}: wrote no ledger"
        return
    for key in ("sent", "dropped", "ok", "failed", "aborted", "extra", "retries"):
        said, recorded = getattr(lines[-1], key), getattr(counts, key)
        if said not in (recorded, UNSET):  # a run of before does not tell all
            yield f"worker {name}: its ledger says {said:,} {key}, its samples {recorded:,}"
    if lines[-1].in_flight:
        yield f"worker {name}: ended with {lines[-1].in_flight:,} calls in flight"


def repeated(run: Run) -> int:
    """Records of arrivals that were recorded before."""
    index = run.samples["index"].of(run.arrivals)
    highest = max((int(piece.max()) for piece in index.pieces()), default=-1)
    seen = np.zeros(highest + 1, np.bool_)
    for piece in index.pieces():
        seen[piece] = True
    return index.size - int(np.count_nonzero(seen))


def starved(run: Run) -> str:
    """Who used the CPU, as a sentence; empty where nobody told."""
    processes = cpu.usage(run)
    if not processes:
        return ""
    full = [one for one in processes if one.name.startswith(cpu.LOADER) and _had_none_left(run, one)]
    shares = ", ".join(f"{one.name} {one.mean:.2f} (peak {one.peak:.2f})" for one in processes[:6])
    cores = run.manifest.machine.cores
    whole = sum(one.mean for one in processes)
    if full:
        head = f"The process {full[0].name} had no more of its one core to use"
    elif whole >= BUSY * cores:
        head = f"The machine was full: {whole:.2f} of {cores} cores"
    else:
        others = "others on the machine took the rest, or it paused"
        head = f"This run's processes used {whole:.2f} of {cores} cores; {others}"
    return f"{head}. Cores used: {shares}.{_stalls(run)}"


def _stalls(run: Run) -> str:
    """The longest time that a loading process's loop stood still, what it was in, and who had the CPU."""
    last = {worker: lines[-1] for worker, lines in run.ledgers.items() if lines}
    worker = max(last, key=lambda name: last[name].stall_s, default="")
    if not worker or last[worker].stall_s <= late_after(run):
        return ""
    line = last[worker]
    where = f", in {line.stall_in}" if line.stall_in else ""
    waited = line.stall_cpu_wait_s
    others = "" if waited is UNSET else f"; others had the CPU for {waited:.2f} s of it"
    return f" The loop of {worker} stood still for {line.stall_s:.2f} s at most{where}{others}."


def _had_none_left(run: Run, loader: cpu.ProcessUsage) -> bool:
    """Its core was full when arrivals fell behind; elsewhere a full core says nothing."""
    behind = late(run) | (run.arrivals & run.became(Outcome.DROPPED))
    places = np.searchsorted(loader.t, run.samples["planned"][behind])
    return bool((loader.cores[places[places < len(loader.t)]] >= BUSY).any())
