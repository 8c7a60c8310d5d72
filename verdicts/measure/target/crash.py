"""What became of the calls in flight when an origin died: lost, sent again, charged twice.

In flight at a kill are the calls sent before it and not done at it that the balancer may have given to that
origin: calls answered by the other one first-hand cannot be told from those that were sent again, so where
both served, `in_flight` counts both. Lost are those that ended in an error, and arrivals that we ended
without an answer. The whole run's retries are what the balancer sent to origins less what the edge gave it.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from telemetry.recording.sample import Outcome
from verdicts.measure.calls import outcomes
from verdicts.measure.target import money
from verdicts.run.reading import Run

ORIGINS: Final = ("origin-a", "origin-b")
KILLS: Final = ("process-down", "origin-exit")
SLACK: Final = 0.05  # seconds: the kill lies this much before its line in the log at most


class Crash(NamedTuple):
    """One death of an origin at `at` seconds; counts that could not be observed are NaN."""

    number: int
    origin: str
    at: float
    in_flight: int
    lost: int
    words: str
    retried: float
    doubled: float
    unfinished: float


@cache
def all_of(run: Run) -> tuple[Crash, ...]:
    """Every kill of an origin by a fault, in order."""
    kills = [
        event
        for event in run.events
        if event.kind == "fault" and event.name in KILLS and event.detail.get("state") == "begins"
        and event.detail.get("target") in ORIGINS
    ]  # fmt: skip
    return tuple(
        _crash(run, number, str(kill.detail["target"]), kill.t) for number, kill in enumerate(kills, 1)
    )


def _crash(run: Run, number: int, origin: str, at: float) -> Crash:
    calls = run.samples
    flying = run.out & (calls["sent"] < at) & ~(calls["done"] < at - SLACK)
    left = run.arrivals & run.became(Outcome.ABORTED)  # of extra calls, streams that the run's end closed
    lost = flying & (outcomes.errors(run) | left)
    books = money.of(run)
    unfinished = float("nan") if books is None else float(books.facts["unfinished"])
    return Crash(
        number, origin, at, int(flying.sum()), int(lost.sum()), _words(run.reasons(lost)),
        retried(run), doubled(run), unfinished,
    )  # fmt: skip


def _words(reasons: dict[str, int]) -> str:
    return ", ".join(f"{reason or 'aborted'} {count}" for reason, count in reasons.items()) or "none"


def retried(run: Run) -> float:
    """How often the balancer turned to a second origin; NaN where the edge does not tell."""
    tried = run.target.total("edge", "mcpist_lb_forwarded_total")
    return tried - run.target.total("edge", "mcpist_forwarded_total")


def doubled(run: Run) -> float:
    """Request ids charged twice, and charges beyond any call; NaN where nobody looked at the books."""
    books = money.of(run)
    return float("nan") if books is None else float(books.facts["repeated"] + books.doubled)
