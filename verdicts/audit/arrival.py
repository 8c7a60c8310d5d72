"""Did that attack arrive? The rules of our own runs, held against what another tool's file shows.

    invalid       over 0.1 % fewer or more were begun than planned; the tool itself dropped over 0.1 %; over
                  1 % left over 50 ms late; the whole took over 1 % (and 50 ms) longer than planned; the
                  target counted over 0.1 % fewer or more than were sent; nothing was sent
    inconclusive  nobody told the plan; or over 0.1 % show no answer, and the target's count is not given
    valid         everything else

Lateness is seen where the file has the time of each start and the rate was constant: start i was due at
i / rate. The plan's first moment is not in the file, so it is laid where no start was early: what is said is
the least.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from verdicts.audit.other_run import OtherRun
from verdicts.measure.arrivals.ledger import LATE_MS
from verdicts.measure.arrivals.validity import MOST_LATE, MOST_LOST, over

AuditVerdict = Literal["valid", "invalid", "inconclusive"]
MOST_LONGER: Final = 0.01  # of the planned time
ROUNDING: Final = 1.0  # of the plan, whatever the share: the last one may fall on the end


@dataclass(frozen=True)
class AttackPlan:
    """What the tool was told to send: `count` requests in all, or `rate` a second for `duration_s`.

    A rate is of what the tool begins: of k6 iterations, each of which may make several requests.
    """

    count: int | None = None
    rate: float | None = None
    duration_s: float | None = None

    @property
    def total(self) -> int | None:
        """How many in all; None where nobody told."""
        if self.count is not None:
            return self.count
        if self.rate is None or self.duration_s is None:
            return None
        return round(self.rate * self.duration_s)


@dataclass(frozen=True)
class Lateness:
    """Of each start, milliseconds after it was due, at least."""

    late: int
    p50_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True)
class Audit:
    """The judgement of one file. `reasons` speak against it, `unknown` is what could not be seen."""

    run: OtherRun
    plan: AttackPlan
    counted: int | None
    planned: int | None
    lateness: Lateness | None
    reasons: tuple[str, ...]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def unit(self) -> str:
        """What `planned` is a number of."""
        return self.run.unit if self.plan.count is None else "requests"

    @property
    def verdict(self) -> AuditVerdict:
        """Whether the run's figures may be used."""
        if self.reasons:
            return "invalid"
        return "inconclusive" if self.unknown else "valid"


def audit(run: OtherRun, plan: AttackPlan, counted: int | None = None) -> Audit:
    """Judge it; `counted`: how many requests the target says that it got."""
    planned = plan.total
    if planned is None and run.dropped:
        planned = run.begun + run.dropped  # at the least, by the tool's own words: no plan
    late = _lateness(run, plan)
    reasons = (*_sent(run, plan, planned), *_late(run, plan, late), *_arrived(run, counted))
    return Audit(
        run,
        plan,
        counted,
        planned,
        late,
        reasons,
        tuple(_unknown(run, plan, counted)),
        tuple(_notes(run, late)),
    )


def _lateness(run: OtherRun, plan: AttackPlan) -> Lateness | None:
    """None where it cannot be seen; with some dropped, the i-th start is not the i-th of the plan."""
    if run.starts is None or len(run.starts) < 2 or not plan.rate or run.dropped:
        return None
    delays: Any = run.starts - np.arange(len(run.starts)) / plan.rate
    delays = (delays - delays.min()) * 1000
    p50, p99 = np.percentile(delays, (50, 99))
    late = int(np.count_nonzero(delays > LATE_MS))
    return Lateness(late, float(p50), float(p99), float(delays.max()))


def _sent(run: OtherRun, plan: AttackPlan, planned: int | None) -> Iterator[str]:
    """The plan against what left: a count against requests, a rate against what was begun."""
    if not run.sent:
        yield "nothing was sent, says the file"
    if planned is None:
        return
    left, unit, due = run.begun, run.unit, planned
    if plan.count is not None:
        left, unit, due = run.sent, "requests", run.begun + run.dropped
    missing, allowed = planned - left, max(MOST_LOST * planned, ROUNDING)
    if run.dropped > MOST_LOST * due:
        share = over(run.dropped, due, MOST_LOST)
        yield f"the tool itself dropped {run.dropped:,} of {due:,} planned {run.unit} ({share})"
    elif missing > allowed and run.sent:
        never = f"{missing:,} never did ({over(missing, planned, MOST_LOST)})"
        yield f"{left:,} of {planned:,} planned {unit} left, {never}: {run.closed}"
    if -missing > allowed:
        yield f"{left:,} {unit} left and {planned:,} were planned: the plan given is another one's"


def _late(run: OtherRun, plan: AttackPlan, late: Lateness | None) -> Iterator[str]:
    if late is not None and late.late > MOST_LATE * run.begun:
        share = over(late.late, run.begun, MOST_LATE)
        yield f"{late.late:,} of {run.begun:,} left over {LATE_MS:g} ms late ({share})"
    if run.length_s is None or not plan.duration_s:
        return
    longer = run.length_s - plan.duration_s
    if longer > max(MOST_LONGER * plan.duration_s, LATE_MS / 1000):
        took = f"sending took {run.length_s:.2f} s, planned were {plan.duration_s:g} s"
        yield f"{took}: what left last left {longer:.2f} s late"


def _arrived(run: OtherRun, counted: int | None) -> Iterator[str]:
    """What left against what the target got."""
    if counted is None:
        return
    lost, allowed = run.sent - counted, MOST_LOST * max(run.sent, counted)
    if lost > allowed:
        share = over(lost, run.sent, MOST_LOST)
        yield f"the target counted {counted:,} of {run.sent:,} sent: {lost:,} never arrived ({share})"
    if -lost > allowed:
        yield (
            f"the target counted {counted:,}, the file {run.sent:,}: {-lost:,} requests are in none of its "
            "figures (lost reports of workers, redirects, or somebody else's load)"
        )


def _unknown(run: OtherRun, plan: AttackPlan, counted: int | None) -> Iterator[str]:
    if plan.total is None:
        yield f"{run.tool} does not hold what was planned: give --rate and --duration, or --planned"
    if counted is None and run.unproved > MOST_LOST * run.sent:
        told = f"{run.unproved:,} of {run.sent:,} requests show no answer"
        yield f"{told}, so nobody knows whether they arrived: give --target-count"


def _notes(run: OtherRun, late: Lateness | None) -> Iterator[str]:
    """What a reader has to know whatever the verdict."""
    if late is None:
        yield (
            "lateness cannot be seen in this file; its response times begin when a request left, "
            "not when it was due"
        )
