"""P1.11: seconds from a fault's end to the first normal p95, and what had to be restarted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Final

import numpy as np

from verdicts.measure.calls import recovery
from verdicts.measure.calls.recovery import Recovery
from verdicts.measure.target import faults, pooler
from verdicts.points.point import AT_500_MAU, Finding, Value, point
from verdicts.run.reading import Run

CONNECTIONS: Final = "stack_db_connections"
WAITING: Final = "waiting for a lock"
NONE_LIFTED: Final = (
    "No fault was lifted while load was sent and no other was in force, so nothing could recover."
)
UNTOLD: Final = (
    "Not observed: after a fault calls were sent in too few seconds to tell when it was over, or none was "
    "well before."
)


@point(
    "P1.11",
    en="How many seconds does recovery take after connections ran out?",
    ja="接続枯渇からの復旧に何秒かかるか",
    scenario="db-pool",
    when=AT_500_MAU,
    part="origin",
    figures={"seconds": "s", "restarted": "", "watched": "s", "waiting": "share"},
)
def recovery_time(run: Run) -> Iterator[Finding]:
    """The slowest recovery of all the scenario's faults."""
    if missing := pooler.missing(run):
        yield Finding.unseen(missing)
        return
    found = list(recovery.of(run))
    if not found and faults.unmade(run):
        yield Finding.unseen(faults.UNMADE)
        return
    if not found:
        yield Finding.unseen(NONE_LIFTED)
        return
    if any(math.isnan(one.seconds) for one in found):
        yield Finding.unseen(UNTOLD)
        return
    slowest = max(found, key=lambda one: (one.seconds, one.watched))
    worst = slowest.seconds
    restarted = recovery.restarts(run)
    kills = recovery.kills(run)
    yield Finding(
        round(worst) if math.isfinite(worst) else f"not within {slowest.watched:.0f} s",
        "s" if math.isfinite(worst) else "",
        f"{'; '.join(_said(run, one) for one in found)}. {_normal(run)} {_restarted(restarted, kills)}",
        {
            **{"seconds": worst, "restarted": len(restarted) + kills, "watched": slowest.watched},
            "waiting": max((_waiting(run, one)[0] for one in found), default=float("nan")),
        },
        rows=tuple(_row(one) for one in found),
        at_least={"seconds": max(one.at_least for one in found)},
    )


def _waiting(run: Run, one: Recovery) -> tuple[float, int, int]:
    """After the fault's end, when the most connections waited for a row's lock: share, how many, of how many.

    NaN where the database does not tell.
    """
    t, waiting = run.target.series("stack", CONNECTIONS, state=WAITING)
    within = (t >= one.end) & (t < one.end + one.watched)
    if not within.any():
        return float("nan"), 0, 0
    there = np.interp(t, *run.target.series("stack", CONNECTIONS))
    at = int(np.argmax(np.where(within, waiting, -1.0)))
    most, of = int(waiting[at]), round(float(there[at]))
    return (most / of if of else 0.0), most, of


def _said(run: Run, one: Recovery) -> str:
    again = ""
    if one.relapse is not None:
        again = (
            f" (well for {recovery.STEADY} s, then {one.relapse.failed:,} of {one.relapse.sent:,} failed "
            f"{one.relapse.second} s after its end)"
        )
    _, most, of = _waiting(run, one)
    if most > 1:
        again += f"; after its end up to {most} of {of} connections waited for a row's lock"
    if math.isfinite(one.seconds):
        return f"{one.fault}: {one.seconds:.0f} s{again}"
    return f"{one.fault}: not within the {one.watched:.0f} s that followed{again}"


def _normal(run: Run) -> str:
    normal = recovery.baseline(run)
    return (
        f"Normal is a p95 of at most {normal.bound * 1000:.1f} ms (healthy {normal.p95 * 1000:.1f} ms × "
        f"{recovery.FACTOR:g} + {recovery.SLACK * 1000:g} ms) with at most {recovery.MOST_FAILED:.0%} failed "
        f"for {recovery.STEADY} s in a row and over the minute that follows."
    )


def _restarted(names: list[str], kills: int) -> str:
    parts = [f"{name} ({times})" if times > 1 else name for name, times in Counter(names).items()]
    if kills:
        parts.append(f"an origin, killed for its memory ({kills})")
    return f"Restarted: {', '.join(parts)}." if parts else "Nothing had to be restarted."


def _row(one: Recovery) -> dict[str, Value]:
    failed = ", ".join(f"{reason} {count:,}" for reason, count in one.failed.items())
    return {
        "fault": one.fault,
        "from s": one.at,
        "to s": one.end,
        "recovered after s": one.seconds if math.isfinite(one.seconds) else None,
        "watched for s": round(one.watched, 1),
        "failed calls": failed or "none",
    }
