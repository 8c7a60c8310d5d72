"""A bound that broke on a machine which others had filled: what of it may be their doing.

Of a bundled stack, which shares that machine, slowness proves nothing then. A point whose bounds broke (or
its series, under BASELINE=history) by times (`TIMES`) alone, or by shares of calls (`SHARES`) and seconds
until all was well (`UNTIL_WELL`) where most failures were for want of time (`BY_TIME`), is `invalid`, and the
run inconclusive: neither the target's failure nor a pass. What slowness does not do stays: a refusal by a
count, a wrong answer, a dead origin, a kill.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from verdicts.measure.calls import outcomes
from verdicts.measure.target import machine
from verdicts.points.point import PointResult
from verdicts.run.reading import Run
from verdicts.thresholds import figure_of

TIMES: Final = ("p50", "p95", "p99", "p95_rise", "added", "wait", "recovery")
UNTIL_WELL: Final = ("seconds",)  # by times and by failures
SHARES: Final = ("success", "others_success", "served", "errors", "5xx", "unclear")
BY_TIME: Final = (
    "timeout",
    "gateway_timeout",
    "db_pool_timeout",
    "worker_cpu_exceeded",
    "user_concurrency_exceeded",
    "global_concurrency_exceeded",
)


def excuse(run: Run, points: Iterable[PointResult]) -> list[PointResult]:
    """The points of a valid run, those `invalid` that others on the machine may have broken."""
    found = list(points)
    if all(one.status != "fail" for one in found) or not (why := machine.crowded(run)):
        return found
    return [_excused(one, why) if one.status == "fail" and _may_be(run, one) else one for one in found]


def _excused(result: PointResult, why: str) -> PointResult:
    return replace(result, status="invalid", evidence=f"{result.evidence} {why}")


def _may_be(run: Run, result: PointResult) -> bool:
    broken = set(map(figure_of, result.broken))
    if not broken or not broken <= {*TIMES, *SHARES, *UNTIL_WELL}:
        return False
    return broken <= {*TIMES} or _mostly_by_time(run)


def _mostly_by_time(run: Run) -> bool:
    left = outcomes.given_up(run)
    failed = run.judged & run.sent & (outcomes.errors(run) | outcomes.refused(run) | left)
    failed &= ~outcomes.failed_by(run, tuple(run.scenario.get("expects", ())))
    by_time = failed & (left | outcomes.failed_by(run, BY_TIME))
    return not failed.any() or int(by_time.sum()) * 2 > int(failed.sum())
