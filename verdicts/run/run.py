"""A run as one frozen value: what every number of a verdict is derived from.

Times are seconds since the run's start.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from telemetry.probing import target_log
from telemetry.recording.sample import Flag, Outcome
from telemetry.run_folder.end import STOP_WHEN, RunEnd
from telemetry.run_folder.lines import ErrorText, Event, ForeignAnswer, LedgerLine
from telemetry.run_folder.manifest import Manifest
from verdicts.run.samples import Mask, Samples, Values

__all__ = ["BUNDLED", "TARGET", "Floats", "Mask", "Run", "counted"]

BUNDLED: Final = "bundled stack"
TARGET: Final = "target"
EXTRA: Final = np.uint8(Flag.EXTRA)  # the enumeration itself would make eight bytes of each flag
RETRY: Final = np.uint8(Flag.RETRY)
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Run:
    """Everything that a run left behind; equal to itself alone, so that it can be a key.

    Record i of `samples` was written by `workers[worker[i]]`. None: the file is not there.
    """

    folder: Path
    manifest: Manifest
    workers: tuple[str, ...]
    samples: Samples
    worker: NDArray[np.integer[Any]]
    ledgers: Mapping[str, tuple[LedgerLine, ...]]
    instances: Mapping[str, tuple[str, ...]]
    target: target_log.TargetLog
    events: tuple[Event, ...]
    end: RunEnd | None
    consistency: Mapping[str, Any] | None = None
    connections: Mapping[str, Any] | None = None
    effects: Mapping[str, Any] | None = None
    baseline: Mapping[str, Any] | None = None
    texts: tuple[ErrorText, ...] = ()
    foreign: tuple[ForeignAnswer, ...] = ()

    @property
    def scenario(self) -> Mapping[str, Any]:
        """The resolved scenario as plain data."""
        return self.manifest.scenario

    @property
    def killed(self) -> bool:
        """The loading process ended without closing its ledger."""
        return self.end is None

    @property
    def subject(self) -> str:
        """Whose figures these are: the bundled fakes' or a target's of the user."""
        return BUNDLED if self.manifest.bundled else TARGET

    @property
    def duration(self) -> float:
        """Seconds of load as planned."""
        return float(self.manifest.duration_s)

    @cached_property
    def stopped_at(self) -> float | None:
        """The instant at which the run was told to stop early; None if it was not, or if it is not known."""
        return self.end.stopped_at if self.end else None

    @property
    def cut_short(self) -> bool:
        """It was ended before its time by somebody, or something, that it was not told of beforehand."""
        end = self.end
        return end is not None and not end.completed and not end.stop_reason.startswith(STOP_WHEN)

    @cached_property
    def load_end(self) -> float:
        """Until when load was offered: the planned end, or the instant of the stop or the kill."""
        if self.end is not None and self.end.completed:
            return self.duration
        if self.stopped_at is not None:
            return min(self.duration, max(self.stopped_at, 0.0))
        heard = [lines[-1].t for lines in self.ledgers.values() if lines]
        planned = self.samples["planned"][self.arrivals]
        last = max([*planned.max(initial=0.0, keepdims=True), *(heard if self.killed else [])])
        return min(self.duration, float(last))

    @cached_property
    def lost(self) -> frozenset[str]:
        """Workers that ended without their last word."""
        if self.end is None:
            return frozenset(self.workers)
        return frozenset(worker.name for worker in self.end.workers if worker.lost)

    def became(self, outcome: Outcome) -> Mask:
        """Records with this outcome."""
        mask: Mask = self.samples["outcome"] == int(outcome)  # see EXTRA
        return mask

    @property
    def extra(self) -> Mask:
        """Calls beyond the schedule."""
        extra: Mask = (self.samples["flags"] & EXTRA) != 0
        return extra

    @property
    def retries(self) -> Mask:
        """Extra calls that repeat an earlier one."""
        retries: Mask = (self.samples["flags"] & RETRY) != 0
        return retries

    @property
    def arrivals(self) -> Mask:
        """Records of scheduled arrivals, dropped ones among them."""
        return ~self.extra

    @property
    def out(self) -> Mask:
        """Calls that went out, scheduled or extra."""
        return ~self.became(Outcome.DROPPED)

    @property
    def sent(self) -> Mask:
        """Scheduled arrivals that went out."""
        return self.arrivals & self.out

    @property
    def ok(self) -> Mask:
        """Scheduled arrivals that succeeded."""
        return self.arrivals & self.became(Outcome.OK)

    @property
    def judged(self) -> Mask:
        """Records of the groups whose service the points are about (all, if no group is marked)."""
        marked = {group["name"] for group in self.scenario.get("groups", ()) if group.get("judge", True)}
        if marked.isdisjoint(self.manifest.groups):
            return np.ones(len(self.samples), dtype=np.bool_)
        return self.of_groups(marked)

    def of_groups(self, names: Collection[str]) -> Mask:
        """Records of the groups of these names."""
        return self._named("group", self.manifest.groups, names)

    def of_tools(self, labels: Collection[str]) -> Mask:
        """Records of calls of these tools or methods."""
        return self._named("tool", self.manifest.tools, labels)

    def _named(self, column: str, table: Sequence[str], names: Collection[str]) -> Mask:
        """Records whose code in `column` stands in `table` for one of `names`."""
        return self.samples[column].isin([code for code, name in enumerate(table) if name in names])

    def spoken(self, group: Mapping[str, Any]) -> str:
        """The revision of MCP that a group of the scenario spoke: a target of one's own has its own."""
        own = "" if self.manifest.bundled else self.manifest.protocol
        return own or str(group.get("protocol", ""))

    def reasons(self, mask: Mask) -> dict[str, int]:
        """Reason → count over the masked records, most frequent first."""
        table = self.manifest.reasons
        return counted(self.samples["reason"].of(mask), lambda code: table[code])


def counted(values: Values, name: Callable[[int], str] = str) -> dict[str, int]:
    """Value (as `name` puts it) → count, most frequent first; equals in the order of their values."""
    found, counts = values.counts()
    order = np.argsort(-counts, kind="stable")
    return {name(found[i].item()): int(counts[i]) for i in order}
