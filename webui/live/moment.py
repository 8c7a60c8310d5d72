"""The state of the run of now, in plain figures: for the attack page and for Locust's own tabs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from common.errors import one_line
from run.attack import Attack
from run.progress import total
from telemetry.recording.sample import SAMPLE, Outcome

LAST: Final = 2000  # calls that the start delay is taken from
TEXTS: Final = {
    "idle": "No run yet",
    "starting": "Starting the target and its probes",
    "counting": "Load starts at once",
    "sending": "Sending load",
    "draining": "Waiting for the last answers",
    "judging": "Writing the verdict",
    "finished": "Finished",
    "failed": "No verdict",
}


class Leading(Protocol):
    """Who leads the runs of this process."""

    attack: Attack | None

    def busy(self) -> str:
        """Why no run can start now, as one line; "" when one can."""


@dataclass(frozen=True)
class Moment:
    """A moment of a run. Times are seconds, delays milliseconds."""

    state: str = "idle"
    note: str = ""
    run: str = ""
    scenario: str = ""
    t: float = 0.0
    duration: float = 0.0
    protections: tuple[str, ...] | None = ()  # None: the target's own, nobody here knows them
    sums: dict[str, float] = field(default_factory=lambda: total([]))
    delay: dict[str, float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The state in words."""
        return TEXTS[self.state]

    @property
    def going(self) -> bool:
        """A run is under way."""
        return self.state not in ("idle", "finished", "failed")

    @property
    def share(self) -> float:
        """How much of the load's time is over, 0 to 1."""
        return min(max(self.t / self.duration, 0.0), 1.0) if self.duration else 0.0


def snapshot(attack: Attack | None, clock: Callable[[], float] = time.monotonic) -> Moment:
    """This moment of `attack`; of no run at all if there is none."""
    if attack is None:
        return Moment()
    conductor = attack.conductor
    nodes = list(conductor.nodes.values()) if conductor else []
    begun = conductor is not None and not math.isnan(conductor.start_at)
    t = _elapsed(conductor.start_at, conductor.stopped_at, clock()) if conductor and begun else 0.0
    state = state_of(attack, t, begun)
    return Moment(
        state=state,
        note=one_line(attack.failure),
        run=attack.dir.name,
        scenario=attack.scenario.name,
        t=min(t, attack.scenario.duration),
        duration=attack.scenario.duration,
        protections=tuple(sorted(attack.scenario.choice.names)) if attack.target.bundled else None,
        sums=total([node.journal.last_ledger for node in nodes]),
        delay=start_delay(attack.dir),
    )


def _elapsed(start_at: float, stopped_at: float | None, now: float) -> float:
    """Seconds of the run; of one that was stopped those until then, however late somebody looks."""
    if stopped_at is None or math.isnan(stopped_at):  # it was stopped before it had a zero
        return now - start_at
    return stopped_at


def state_of(attack: Attack, t: float, begun: bool) -> str:
    """Where the run is; a key of TEXTS."""
    if attack.done.is_set():
        return "failed" if attack.failure else "finished"
    conductor = attack.conductor
    if conductor is None or not begun:
        return "starting"
    if conductor.stop_reason:
        return "judging"
    if t < 0:
        return "counting"
    return "sending" if t < attack.scenario.duration else "draining"


def start_delay(run_dir: Path) -> dict[str, float]:
    """p50, p99 and max of how late the last calls were sent; empty without calls."""
    samples = np.concatenate([np.empty(0, SAMPLE), *map(_tail, run_dir.glob("samples-*.bin"))])
    sent = samples[samples["outcome"] != Outcome.DROPPED]
    if not len(sent):
        return {}
    delay = (sent["sent"] - sent["planned"]) * 1000
    p50, p99, longest = np.quantile(delay, (0.5, 0.99, 1.0))
    return {"p50": float(p50), "p99": float(p99), "max": float(longest)}


def _tail(file: Path) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """The last whole records of a file that may be growing."""
    with file.open("rb") as stream:
        count = file.stat().st_size // SAMPLE.itemsize
        stream.seek(max(count - LAST, 0) * SAMPLE.itemsize)
        raw = stream.read(min(count, LAST) * SAMPLE.itemsize)
    return np.frombuffer(raw[: len(raw) - len(raw) % SAMPLE.itemsize], SAMPLE)
