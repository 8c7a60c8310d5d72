"""What was done for each intent, and what was paid: `effects.json`, held against the calls that went out.

An intent is done once where it has as many effects as one attempt asks for: ten for a batch, else one. Judged
groups alone, and intents that call a tool and went out.

Its cause is what became of the first of its calls that did not end well:

    failover   it has more effects than its calls asked for: somebody on the way sent one again
    timeout    no answer in time: ours, or a 504
    cancel     its caller left it
    reset      the connection broke: ours, or one behind whoever answered 502
    retry      it was answered with a failure, or a success, and asked for again
    error      it was answered with a failure, and not asked for again
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.recording.sample import Outcome
from verdicts.measure.calls.concurrency import BATCH, COMMANDS
from verdicts.measure.intents import intents
from verdicts.run.reading import Mask, Run

Counts = NDArray[np.int64]
NOT_ASKED: Final = "Nobody looked at what the calls did: the run was cut off, or no point asked for it."
NO_TOOLS: Final = ("tools/list", "standing stream")
NONE, FAILOVER, TIMEOUT, CANCEL, RESET, RETRY, ERROR = range(7)
CAUSES: Final = ("none", "failover", "timeout", "cancel", "reset", "retry", "error")
"""Their names by their number; none: every call of it ended well."""
TIMEOUTS: Final = ("timeout", "gateway_timeout", "deadline_exceeded")
RESETS: Final = ("reset", "connect", "origin_unavailable", "nano_killed")


@dataclass(frozen=True)
class Effects:
    """One value an intent, in order of its arrival. `paid`, `recorded`: None where nobody could tell.

    `stray`: effects of arrivals that are none of these.
    """

    arrival: Counts
    account: Counts
    attempts: Counts
    wanted: Counts
    served: Mask
    cause: Counts
    done: Counts
    paid: Counts | None
    recorded: Counts | None
    stray: int

    @property
    def once(self) -> Mask:
        """Done exactly as often as was wanted."""
        found: Mask = self.done == self.wanted
        return found

    @property
    def surplus(self) -> Counts:
        """Effects beyond that."""
        found: Counts = np.maximum(self.done - self.wanted, 0)
        return found

    @property
    def lost(self) -> Counts:
        """Charges that no effect stands for."""
        return np.zeros_like(self.done) if self.paid is None else np.maximum(self.paid - self.done, 0)

    @property
    def hollow(self) -> Mask:
        """Answered as done, and not done."""
        return self.served & (self.done < self.wanted)


@lru_cache(maxsize=4)
def of(run: Run) -> Effects | str:
    """The run's, or why nothing can be said."""
    told = run.effects
    if told is None:
        return NOT_ASKED
    if "why" in told:
        return f"Not observed: {told['why']}."
    whole = intents.of(run)
    mine = run.sent & run.judged & ~run.of_tools(NO_TOOLS)
    arrival = run.samples["index"][mine]
    order = np.argsort(arrival, kind="stable")
    arrival, account = arrival[order], run.samples["account"][mine][order].astype(np.int64)
    batch = run.of_tools({BATCH})[mine][order]
    served = np.isfinite(whole.served[np.searchsorted(whole.arrival, arrival)])
    attempts, cause = _calls(run, arrival)
    wanted = np.where(batch, COMMANDS, 1)
    done = _counted(told["done"], arrival)
    cause[done > attempts * wanted] = FAILOVER
    paid, recorded = (
        None if told.get(name) is None else _counted(told[name], arrival) for name in ("paid", "recorded")
    )
    stray = sum(told["done"].values()) - int(done.sum())
    return Effects(arrival, account, attempts, wanted, served, cause, done, paid, recorded, stray)


def _counted(told: Mapping[str, int], arrival: Counts) -> Counts:
    """The counts of these arrivals."""
    found = np.zeros(arrival.size, np.int64)
    if arrival.size and told:
        keys, counts = np.array([int(key) for key in told]), np.array([*told.values()], np.int64)
        place = np.searchsorted(arrival, keys).clip(0, arrival.size - 1)
        ours = arrival[place] == keys
        found[place[ours]] = counts[ours]
    return found


def _calls(run: Run, arrival: Counts) -> tuple[Counts, Counts]:
    """How many calls went out for each, and its cause as far as they tell."""
    sent = intents.calls(run)
    owner = intents.owners(run, sent)
    known = np.isin(owner, arrival)
    place = np.searchsorted(arrival, owner[known])
    attempts = np.bincount(place, minlength=arrival.size).astype(np.int64)
    kind = _kinds(run)[sent][known]
    when = run.samples["sent"][sent][known]
    cause = np.where(attempts > 1, RETRY, NONE).astype(np.int64)
    bad = np.flatnonzero(kind != NONE)
    bad = bad[np.lexsort((when[bad], place[bad]))]
    which, first = np.unique(place[bad], return_index=True)
    cause[which] = kind[bad[first]]
    cause[(cause == ERROR) & (attempts > 1)] = RETRY
    return attempts, cause


def _kinds(run: Run) -> NDArray[np.int64]:
    """How each record did not end well; NONE where it did."""
    failed, table = run.became(Outcome.FAILED), run.manifest.reasons
    kinds = np.where(failed, ERROR, NONE)
    for names, kind in ((TIMEOUTS, TIMEOUT), (RESETS, RESET)):
        codes = [code for code, name in enumerate(table) if name in names]
        kinds[failed & run.samples["reason"].isin(codes)] = kind
    kinds[run.became(Outcome.ABORTED)] = CANCEL
    found: NDArray[np.int64] = kinds
    return found
