"""Intents and their attempts: what users wanted done, and how often it was asked for.

An intent is a scheduled arrival. Its attempt n is all calls that carry that number: the arrival itself, extra
calls that are parts of it, repeats. An attempt has success when as many of its calls had as attempt 0 has
calls; the intent is served by the first attempt that has. Judged groups alone, over all records of the run.

    attempts ÷ intents = (first calls + repeats) ÷ first calls       the amplification
    goodput            = intents served within `deadline` of their planned instant

The deadline is the option of that name of the group's persona. Goodput is of intents that have one; of a
group without one nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.recording.sample import NO_ROOM, Outcome, of_intent
from verdicts.run.reading import Floats, Mask, Run

MOST_CUT_OFF: Final = 0.001  # share: what a valid run may lose


@dataclass(frozen=True)
class Intents:
    """One value an intent, in order of `arrival`, its place in the schedule: seconds since the run's start.

    `served` is infinite where no attempt had success; `deadline` is NaN where there is none.
    """

    arrival: NDArray[np.int64]
    planned: Floats
    served: Floats
    deadline: Floats
    first: int  # calls that are no repeats
    repeats: int

    @property
    def amplification(self) -> float:
        """Attempts ÷ intents; NaN without any."""
        return (self.first + self.repeats) / self.first if self.first else float("nan")

    @property
    def good(self) -> Mask:
        """Served in time."""
        return self.served - self.planned <= self.deadline

    def within(self, start: float, end: float) -> Mask:
        """Those with a deadline that were planned from `start` up to `end`."""
        asked: Mask = (self.planned >= start) & (self.planned < end) & ~np.isnan(self.deadline)
        return asked

    def goodput(self, start: float, end: float) -> float:
        """The share of those that were served in time; NaN without any."""
        asked = self.within(start, end)
        return float(self.good[asked].mean()) if asked.any() else float("nan")


def calls(run: Run) -> Mask:
    """Judged calls that went out for an intent: arrivals, parts of them, repeats."""
    mine: Mask = run.out & run.judged & (run.samples["index"] != -1)
    return mine


def cut_off(run: Run) -> int:
    """Repeats that `max_rps` left no turn for, where they are more than `MOST_CUT_OFF` of all; else 0."""
    repeats = run.retries & run.judged
    lost = run.reasons(repeats & run.became(Outcome.DROPPED)).get(NO_ROOM, 0)
    return lost if lost > MOST_CUT_OFF * int(repeats.sum()) else 0


def owners(run: Run, mask: Mask) -> NDArray[np.int64]:
    """The arrival that each of these calls went out for."""
    index = run.samples["index"][mask]
    found: NDArray[np.int64] = np.where(index < 0, of_intent(0) - index, index)
    return found


@lru_cache(maxsize=4)
def of(run: Run) -> Intents:
    """The run's."""
    arrivals = run.arrivals & run.judged
    index = run.samples["index"][arrivals]
    order = np.argsort(index, kind="stable")
    index, planned = index[order], run.samples["planned"][arrivals][order]
    group = run.samples["group"][arrivals][order]
    sent = calls(run)
    repeats = int((sent & run.retries).sum())
    served = _served(run, sent, index)
    return Intents(index, planned, served, deadlines(run)[group], int(sent.sum()) - repeats, repeats)


def deadlines(run: Run) -> Floats:
    """Seconds by a group's code; NaN for a group without one."""
    found = np.full(256, np.nan)
    for group in run.scenario.get("groups", ()):
        seconds = group.get("persona", {}).get("options", {}).get("deadline")
        if seconds is not None and group["name"] in run.manifest.groups:
            found[run.manifest.groups.index(group["name"])] = float(seconds)
    return found


def _served(run: Run, sent: Mask, index: NDArray[np.int64]) -> Floats:
    """When each of the intents was served."""
    owner = owners(run, sent)
    attempt = run.samples["attempt"][sent].astype(np.int64)
    key = owner * 256 + attempt
    firsts, sizes = np.unique(owner[attempt == 0], return_counts=True)
    ok = run.samples["outcome"][sent] == Outcome.OK
    keys, place, successes = np.unique(key[ok], return_inverse=True, return_counts=True)
    done = np.full(keys.size, -np.inf)
    np.maximum.at(done, place, run.samples["done"][sent][ok])
    served_by = keys // 256
    known = np.searchsorted(firsts, served_by).clip(0, max(firsts.size - 1, 0))
    whole = successes >= sizes[known] if firsts.size else np.zeros(served_by.size, np.bool_)
    known_whole = whole & np.isin(served_by, index)  # a lost process left parts of arrivals without a record
    served = np.full(index.size, np.inf)
    np.minimum.at(served, np.searchsorted(index, served_by[known_whole]), done[known_whole])
    return served
