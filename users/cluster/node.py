"""One loading process as the conductor knows it: what it said, its clock, whether it is still there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gevent.event import Event

from telemetry.recording.journal import WorkerJournal


@dataclass
class Node:
    """One loading process as the conductor knows it."""

    id: str
    name: str
    journal: WorkerJournal
    prepared: Event = field(default_factory=Event)
    clock_told: Event = field(default_factory=Event)
    error: str = ""
    offset: float = 0.0  # its clock minus ours, seconds
    round_trip: float = float("inf")
    heard: float = float("inf")  # when it last said something, by our clock
    deals: list[dict[str, Any]] = field(default_factory=list)  # its share by each of them, the newest last
    told: float = float("inf")  # when it was told its share, by our clock
    answered: bool = True  # it said something since
    lost: bool = False
    taken_over: float | None = None  # when a lost one's share is others', seconds since start

    @property
    def taken(self) -> int:
        """How many deals it had heard of when it last said how it stands."""
        return int(self.journal.last_ledger.get("plans", 0))

    @property
    def finished(self) -> bool:
        """It has dealt its share of the newest deal, and every answer is in."""
        return bool(self.journal.last_ledger.get("finished")) and self.taken == len(self.deals)

    @property
    def left(self) -> float | None:
        """The instant (s since start) at which it left before the run was over."""
        return self.journal.last_ledger.get("left")
