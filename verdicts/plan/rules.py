"""The rules: from a question's numbers to what the operator should do, in the plan's order.

Names are those of `verdicts.plan.numbers`; bounds are the plan's own limits and the operator's alerts. What a
rule says stands in `verdicts/language/advice.en.toml` and `advice.ja.toml`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from verdicts.plan import mends
from verdicts.plan.numbers import Number, Numbers
from verdicts.plan.rule import GOOD, TO_DO, AdviceRule
from verdicts.points.point import BEFORE_MVP

GLOBAL: Final = 100  # calls, global-concurrency
SLOW: Final = 3.0  # seconds that a slow call takes
BURST: Final = 5  # calls per user and second
MEMORY_ALERT: Final = 200e6  # bytes, the operator's alert
NANO_SHARE: Final = 0.1  # vCPU
NANO_CPU: Final = 0.8 * NANO_SHARE  # the operator's alert
SERVED: Final = 0.95  # share of calls below which the rest's times say little
OPERATORS: Final = 5  # connections left to people
DAY: Final = 1440  # minutes
ROTATION: Final = 60  # seconds that valid users may be refused after a key was rotated


def derived(point: str, numbers: Numbers) -> Numbers:
    """The numbers with those that follow from them by arithmetic."""
    for name, work in DERIVED.get(point, {}).items():  # a later one may use an earlier one
        numbers[name] = Number(work(numbers))
    return numbers


DERIVED: Final[Mapping[str, Mapping[str, Callable[[Numbers], float]]]] = {
    "P0.1": {"each": lambda n: n.room // n.users if n.users > 0 else math.nan},
    "P0.2": {
        "peak": lambda n: n.nano_memory if n.nano_memory > 0 else n.memory,
        "room": lambda n: (
            n.goroutines + (MEMORY_ALERT - n.peak) // n.per_goroutine if n.per_goroutine > 0 else math.nan
        ),
    },
    "P0.3": {"permits_rate": lambda n: GLOBAL / SLOW},
    "P1.2": {"bound": lambda n: n.after / n.excess if n.excess > 0 else math.nan},
    "P1.4": {"possible": lambda n: n.isolates * BURST if n.isolates > 0 else n.max},
    "P1.5": {"through": lambda n: n.mean / n.offered if n.offered > 0 else math.nan},
    "P1.6": {
        "alert_cost": lambda n: NANO_CPU / n.nano_rate if n.nano_rate > 0 else math.nan,
        "full_cost": lambda n: NANO_SHARE / n.nano_rate if n.nano_rate > 0 else math.nan,
    },
    "P1.9": {"each": lambda n: (n.limit - OPERATORS) // 2},
    "P3.6": {"minutes": lambda n: 1 / n.share if n.share > 0 else math.nan},
    "F1.2": {"times": lambda n: n.edge_value / n.value if n.value > 0 else math.nan},
}

RULES: Final = (
    AdviceRule("P0.1", "only-memory-limits", TO_DO, lambda n: n.limit > n.room),
    AdviceRule("P0.1", "limit-fits", GOOD, lambda n: n.limit <= n.room),
    AdviceRule("P0.1", "limit-not-told", GOOD, lambda n: n.in_flight > 0 and not n.limit > 0),
    AdviceRule("P0.2", "memory-over-alert", TO_DO, lambda n: n.peak > MEMORY_ALERT),
    AdviceRule("P0.2", "memory-below-alert", GOOD, lambda n: n.peak <= MEMORY_ALERT),
    AdviceRule("P0.3", "killed", TO_DO, lambda n: n.kills > 0),
    AdviceRule(
        "P0.3",
        "phase2-harms-innocents",
        TO_DO,
        lambda n: n.phase2_success < 0.99 and n.phase2_success < n.success,
    ),
    AdviceRule(
        "P0.3", "innocents-fail", TO_DO, lambda n: n.success < 0.99 and not n.phase2_success < n.success
    ),
    AdviceRule("P0.3", "no-kill", GOOD, lambda n: n.kills < 1 and n.goroutines > 0),
    AdviceRule("P0.3", "searched", GOOD, lambda n: n.borne_none > 0),
    AdviceRule(
        "P0.4",
        "phase2-cascades",
        TO_DO,
        lambda n: n.phase2_others_success < 0.99 and n.phase2_others_success < n.others_success,
    ),
    AdviceRule(
        "P0.4",
        "cascades",
        TO_DO,
        lambda n: n.others_success < 0.99 and not n.phase2_others_success < n.others_success,
    ),
    AdviceRule("P0.4", "long-wait", TO_DO, lambda n: n.wait > 5),
    AdviceRule("P0.4", "slow-recovery", TO_DO, lambda n: n.recovery > 15),
    AdviceRule("P0.4", "no-cascade", GOOD, lambda n: n.others_success >= 0.99),
    AdviceRule("P1.1", "kv-fails-calls", TO_DO, lambda n: n.kv_error > 0.05, BEFORE_MVP),
    AdviceRule("P1.1", "kv-fails-few", GOOD, lambda n: n.kv_error <= 0.05),
    AdviceRule("P1.2", "limit-broken", TO_DO, lambda n: n.excess > 1.1, BEFORE_MVP),
    AdviceRule("P1.2", "users-shut-out", GOOD, lambda n: n.excess <= 1.1 and n.let_through < 0.1),
    AdviceRule("P1.2", "limit-works", GOOD, lambda n: n.excess <= 1.1 and n.let_through >= 0.1),
    AdviceRule("P1.3", "error-seen", TO_DO, lambda n: n.seen > 0.05, BEFORE_MVP),
    AdviceRule("P1.3", "error-rarely-seen", GOOD, lambda n: n.seen <= 0.05),
    AdviceRule("P1.4", "isolates-over-limit", TO_DO, lambda n: n.max > BURST),
    AdviceRule("P1.4", "isolates-hold", GOOD, lambda n: n.max <= BURST),
    AdviceRule("P1.5", "held-back-by-errors", TO_DO, lambda n: n.through < 0.5, BEFORE_MVP),
    AdviceRule("P1.5", "origin-bears-all", TO_DO, lambda n: n.through >= 0.9),
    AdviceRule("P1.5", "edge-takes-part", GOOD, lambda n: 0.5 <= n.through < 0.9),
    AdviceRule(
        "P1.6", "nano-over-alert", TO_DO, lambda n: n.nano_demand > NANO_CPU or n.nano_memory > MEMORY_ALERT
    ),
    AdviceRule(
        "P1.6", "cost-not-known", TO_DO, lambda n: n.nano_demand <= NANO_CPU and n.nano_memory <= MEMORY_ALERT
    ),
    AdviceRule(
        "P1.6",
        "nano-full",
        TO_DO,
        lambda n: n.full > 0 and (n.nano_cpu > NANO_CPU or n.nano_memory > MEMORY_ALERT),
    ),
    AdviceRule(
        "P1.6",
        "nano-bears-it",
        GOOD,
        lambda n: n.full > 0 and n.nano_cpu <= NANO_CPU and n.nano_memory <= MEMORY_ALERT,
    ),
    AdviceRule("P1.6", "cpu-over-alert", TO_DO, lambda n: n.cpu > 0.8 and not n.nano_cpu >= 0),
    AdviceRule("P1.6", "cpu-below-alert", GOOD, lambda n: n.cpu <= 0.8 and not n.nano_cpu >= 0),
    AdviceRule("P1.7", "few-served", TO_DO, lambda n: n.served < SERVED, BEFORE_MVP),
    AdviceRule("P1.7", "p95-over-alert", TO_DO, lambda n: n.p95 > 2 and not n.served < SERVED),
    AdviceRule("P1.7", "p95-below-alert", GOOD, lambda n: n.p95 <= 2 and not n.served < SERVED),
    AdviceRule("P1.8", "errors-over-alert", TO_DO, lambda n: n["5xx"] > 0.05 or n.errors > 0.05, BEFORE_MVP),
    AdviceRule("P1.8", "errors-below-alert", GOOD, lambda n: n["5xx"] <= 0.05 and n.errors <= 0.05),
    AdviceRule("P1.9", "pool-size", TO_DO, lambda n: n.limit > 0),
    AdviceRule("P1.10", "unclear-answers", TO_DO, lambda n: n.unclear > 0.01),
    AdviceRule("P1.10", "clear-answers", GOOD, lambda n: n.unclear <= 0.01),
    AdviceRule("P1.11", "slow-recovery", TO_DO, lambda n: n.seconds > 15),
    AdviceRule("P1.11", "no-recovery-seen", TO_DO, lambda n: n.watched > 15 and not n.seconds >= 0),
    AdviceRule("P1.11", "watched-too-briefly", GOOD, lambda n: n.watched <= 15 and not n.seconds >= 0),
    AdviceRule("P1.11", "restarted", TO_DO, lambda n: n.restarted > 0),
    AdviceRule("P1.11", "quick-recovery", GOOD, lambda n: n.seconds <= 15 and n.restarted < 1),
    AdviceRule("P3.1", "over-limit", TO_DO, lambda n: n.max > 0.1),
    AdviceRule("P3.1", "near-limit", GOOD, lambda n: n.max <= 0.1),
    AdviceRule("P3.2", "sync-too-rare", TO_DO, lambda n: n.mean > 0.1),
    AdviceRule("P3.2", "sync-often-enough", GOOD, lambda n: n.mean <= 0.1),
    AdviceRule("P3.3", "alert-silent", TO_DO, lambda n: n.hits <= 100),
    AdviceRule("P3.3", "alert-fires", GOOD, lambda n: n.hits > 100),
    AdviceRule("P3.4", "check-too-dear", TO_DO, lambda n: n.mean > 0.010),
    AdviceRule("P3.4", "valid-users-fail", TO_DO, lambda n: n.valid_users_value < 100),
    AdviceRule("P3.4", "check-cheap", GOOD, lambda n: n.mean <= 0.010),
    AdviceRule("P3.5", "cache-fails", TO_DO, lambda n: n.fetches > 1),
    AdviceRule(
        "P3.5", "cache-holds", GOOD, lambda n: n.fetches <= 1 and not n.key_rotation_taken_up > ROTATION
    ),
    AdviceRule("P3.5", "rotation-refuses", TO_DO, lambda n: n.key_rotation_taken_up > ROTATION),
    AdviceRule("P3.6", "free-tier-used-up", TO_DO, lambda n: n.share * DAY > 1),
    AdviceRule("P3.6", "bad-tokens-pass", TO_DO, lambda n: n.origin_value > 0),
    AdviceRule("P3.6", "free-tier-lasts", GOOD, lambda n: n.share * DAY <= 1),
    AdviceRule("F1.1", "limit-wrong", TO_DO, lambda n: n.fails > 0),
    AdviceRule("F1.1", "limit-right", GOOD, lambda n: n.fails < 1),
    AdviceRule("F1.2", "limit-wrong", TO_DO, lambda n: n.fails > 0),
    AdviceRule("F1.2", "limit-right", GOOD, lambda n: n.fails < 1),
    AdviceRule("F1.2", "window-edge", GOOD, lambda n: n.times > 1.1),
    AdviceRule("F1.3", "check-wrong", TO_DO, lambda n: n.fails > 0),
    AdviceRule("F1.3", "errors-meanwhile", TO_DO, lambda n: n.errors > 0 and n.fails < 1),
    AdviceRule("F1.3", "nobody-noticed", GOOD, lambda n: n.errors < 1 and n.fails < 1),
    AdviceRule(
        "C1", "as-written-fails", TO_DO, lambda n: n.over > 0 or n.unanswered > 0, mend=mends.USER_LIMITER
    ),
    AdviceRule("C1", "holds", GOOD, lambda n: n.over < 1 and n.unanswered < 1),
    AdviceRule("C2", "as-written-fails", TO_DO, lambda n: n.failed > 0 or n.over > 0, mend=mends.CHECK_BURST),
    AdviceRule("C2", "holds", GOOD, lambda n: n.failed <= 0 and n.over < 1),
)
