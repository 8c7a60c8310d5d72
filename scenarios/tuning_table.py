"""What `make tune` may set, by what it is judged, and how long each run is: one table.

    LIMITS     the limits that the plan argues about, with the plan's value and today's
    ATTACKS    P0 and P1 attacks and ordinary work; each `feels` the limits that can change its outcome
    NO_LIMIT   P0 and P1 scenarios that fail with any limits, by name, with why
    OWN        those that are about settings of their own, which a setting would replace, with why
    named("plan")                  (values, PROTECT=) of a set that has a name
    stack(values), protect(values)     what a run is given of a setting

A setting is a value for each limit by its name; a switch (a protection that is on or off) is 1 or 0. An
attack is not run again where only limits differ that it does not feel: that is an assumption, and the
confirmation, which runs everything with the whole set, holds it to account.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from common.merge import merged

Setting = Mapping[str, float]
BASE: Final = "phase2"  # what a setting is set within: the preset that has every limit of the plan


class TunedLimit(NamedTuple):
    """One limit. `key`: its place among the stack's settings, "" for a switch. Searched from `low` to `high`.

    `today`: None where it is not on today. `block`: limits that are searched together.
    """

    name: str
    block: str
    key: str
    low: float
    high: float
    plan: float
    today: float | None
    whole: bool = True
    unit: str = ""

    @property
    def switch(self) -> bool:
        """It is a protection, on or off."""
        return not self.key

    def sides(self, value: float) -> list[float]:
        """What lies on either side of a value: half and twice of it; the other state of a switch."""
        if self.switch:
            return [1.0 - value]
        return [one for one in (self.fitting(value / 2), self.fitting(value * 2)) if one != value]

    def fitting(self, value: float) -> float:
        """The nearest value that the limit can have: within its range, whole or of three digits."""
        inside = min(max(value, self.low), self.high)
        return float(round(inside)) if self.whole else float(f"{inside:.3g}")


def _switch(name: str) -> TunedLimit:
    return TunedLimit(name, "concurrency", "", 0, 1, 0, 0)


# Rates first: they are the cheapest, and fan-outs that they refuse hide what the others do to ordinary work.
LIMITS: Final = (
    TunedLimit("burst-per-second", "rates", "edge.burst_per_s", 2, 40, 5, 5),
    TunedLimit("rate-per-minute", "rates", "origin.tiers.starter", 20, 600, 60, 60),
    TunedLimit("user-concurrency", "concurrency", "origin.user_concurrency", 4, 300, 50, None, unit="calls"),
    TunedLimit(
        "global-concurrency", "concurrency", "origin.global_concurrency", 20, 5000, 100, None, unit="calls"
    ),
    _switch("fair-queue"),
    _switch("adaptive-concurrency"),
    TunedLimit("timeout", "patience", "origin.timeout", 3, 60, 30, None, whole=False, unit="s"),
    TunedLimit("breaker-failures", "patience", "origin.breaker_failures", 2, 50, 5, None),
    TunedLimit("breaker-rest", "patience", "origin.breaker_open", 1, 60, 5, None, whole=False, unit="s"),
    TunedLimit("pool-size", "database", "database.pool_size", 4, 28, 15, 15, unit="connections"),
    TunedLimit("pool-wait", "database", "database.acquire_timeout", 0.5, 30, 5, 5, whole=False, unit="s"),
)
BY_NAME: Final = {limit.name: limit for limit in LIMITS}
BLOCKS: Final = tuple(dict.fromkeys(limit.block for limit in LIMITS))
_CALLS: Final = ("user-concurrency", "global-concurrency", "fair-queue", "adaptive-concurrency")
_ARRIVALS: Final = ("burst-per-second", "rate-per-minute")
_PATIENCE: Final = ("timeout", "breaker-failures", "breaker-rest")


CONFIRMED: Final = 3  # runs at full length of each attack that a limit can move


class TuningAttack(NamedTuple):
    """One attack, or ordinary work. `short`: what a shortened run changes; seconds of load of both.

    `runs`: how many confirm it. `without`: protections that it is run without, whatever the setting.
    """

    name: str
    feels: tuple[str, ...]
    seconds: float
    short_s: float
    short: Mapping[str, str]
    ordinary: bool = False
    searched: bool = True  # False: it is run in the confirmation alone
    runs: int = CONFIRMED
    without: str = ""

    @property
    def factor(self) -> float:
        """So many times as long as its shortened run."""
        return self.seconds / self.short_s


def _for(seconds: float) -> Mapping[str, str]:
    return {"duration": f"{seconds:g}s"}


def _fast(factor: float) -> Mapping[str, str]:
    return {"duration_scale": f"{factor:g}"}


def _alone(name: str, seconds: float, ordinary: bool = False) -> TuningAttack:
    """One that the confirmation alone runs: it feels everything."""
    feels = tuple(limit.name for limit in LIMITS)
    return TuningAttack(name, feels, seconds, seconds, {}, ordinary, searched=False)


def _once(name: str, seconds: float, without: str = "") -> TuningAttack:
    """One whose bounds no limit is known to move, or a variant of one that is run three times."""
    return _alone(name, seconds)._replace(runs=1, without=without)


ATTACKS: Final = (
    TuningAttack("ordinary-work", (*_CALLS, *_ARRIVALS, "timeout"), 40, 20, _for(20), ordinary=True),
    TuningAttack("nano-oom", _CALLS, 45, 28, _for(28)),
    TuningAttack("upstream-outage", (*_CALLS, *_PATIENCE), 80, 40, _fast(2)),
    TuningAttack("burst-starter", _ARRIVALS, 60, 15, {**_for(15), "accounts": "40"}),
    TuningAttack("db-pool", ("pool-size", "pool-wait"), 165, 55, _fast(3)),
    _alone("ordinary-batch", 30, ordinary=True),
    _alone("ordinary-fan-out", 36, ordinary=True),
    _alone("ordinary-cold-start", 60, ordinary=True),
    _alone("agent-loop", 60),
    _alone("slow-api", 60),
    _alone("burst", 60),
    _alone("agent-loop-batch", 60),
    _once("agent-loop-fan-out", 60),
    _once("agent-loop-starter", 60),
    _once("agent-loop-vary", 60),
    _once("nano-oom-90s", 75),
    _once("retry-storm-no-retries", 90),
    _once("retry-storm-polite", 90),
    _once("retry-storm-restart", 90),
    _once("slow-api-30s", 45),
    _once("slow-api-30s-starter", 45),
    _once("slow-api-starter", 60),
    _once("upstream-outage-starter", 80),
    _once("burst-one-ip", 60),
    _once("burst-slow", 60),
    _once("cancel", 40),
    _once("cancel-modern", 40),
    _once("crosstalk", 60, "worker-cpu"),
    _once("db-crash", 45),
    _once("db-pool-holds-pool", 140),
    _once("session-storm", 40),
    _once("session-storm-jitter", 60),
    _once("session-storm-modern", 40),
    _once("session-storm-shared", 40),
    _once("waves", 291),
)
ATTACK: Final = {attack.name: attack for attack in ATTACKS}
_STORM: Final = "naive agents' repeats fill the queue for the nano's CPU, which stands before every limit"
_AGAIN: Final = "agents ask again and the work is done again: no limit knows an intent, `idempotency` does"
_QUOTA: Final = (
    "the free plan's KV writes of a day are gone in seconds, then the plan's burst limit throws: failing "
    "open mends it, and is no limit"
)
_SEEDED: Final = "bugs are seeded in it: it must fail"
NO_LIMIT: Final[Mapping[str, str]] = {
    "retry-storm": _STORM,
    "retry-storm-locks": _STORM,
    "kv-exhaustion": _QUOTA,
    "burst-free": _QUOTA,
    "cancel-leave": "in a session, to leave cancels nothing: all calls go on",
    "twice": _AGAIN,
    "twice-dropped": _AGAIN,
    "twice-failover": _AGAIN,
    "crosstalk-bugs": _SEEDED,
    "waves-leaks": _SEEDED,
}
_LIMITS: Final = "it has limits of its own, which a setting replaces"
_KV: Final = "it is about how the burst limit uses KV, which is no limit: docs/scenarios/kv-exhaustion.md"
_POOL: Final = (
    "it is about how the gateway reaches the database, which is no limit: docs/scenarios/db-pool.md"
)
_SEARCH: Final = "another search makes its trials of it, with loads of its own"
OWN: Final[Mapping[str, str]] = {
    **dict.fromkeys(("nano-oom-sized", "upstream-outage-4s", "db-pool-26", "db-pool-50"), _LIMITS),
    **dict.fromkeys(("burst-free-memory-open", "burst-paid"), _KV),
    **{f"kv-exhaustion-{one}": _KV for one in (
        "consistency", "fail-closed", "fail-open", "isolates", "isolates-1", "isolates-2", "memory",
        "memory-open", "paid", "quota-alone",
    )},
    **{f"db-pool-{one}": _POOL for one in (
        "none", "hold", "holds", "holds-lock-timeout", "holds-pool-lock-timeout", "no-timeout", "pooler",
    )},
    **dict.fromkeys(("slow-api-breakpoint", "retry-storm-frontier"), _SEARCH),
}  # fmt: skip
SETS: Final = ("plan", "today", "none")


def named(name: str) -> tuple[Setting, str]:
    """The values and the protections of `plan`, `today` or `none`; a limit that is off has no value."""
    if name == "plan":
        return {limit.name: limit.plan for limit in LIMITS}, BASE
    if name == "today":
        return {limit.name: limit.today for limit in LIMITS if limit.today is not None}, "today"
    pool = ("pool-size", "pool-wait")  # on in every preset
    return {one: BY_NAME[one].plan for one in pool}, "none"


def protect(values: Setting, without: str = "") -> str:
    """`PROTECT=` of a setting: the plan's protections and the switches that are on."""
    switched = (limit.name for limit in LIMITS if limit.switch and values.get(limit.name))
    return ",".join([BASE, *switched, *([f"-{without}"] if without else [])])


def stack(values: Setting) -> dict[str, Any]:
    """A setting as a scenario's `stack:` has it. A share of a fair queue is one of the limit for all."""
    tree: dict[str, Any] = {}
    for limit in LIMITS:
        if not limit.switch and limit.name in values:
            value = values[limit.name]
            tree = merged(tree, _nested(limit.key, int(value) if limit.whole else value))
    if whole := values.get("pool-size"):
        tree = merged(tree, {"database": {"pool_open": int(min(whole, 15))}})
    own = {
        name: {key: int(values["global-concurrency"])}
        for name, key in (("fair-queue", "limit"), ("adaptive-concurrency", "most"))
        if values.get(name)
    }
    return merged(tree, {"protections": own}) if own else tree


def _nested(key: str, value: float) -> dict[str, Any]:
    head, _, rest = key.partition(".")
    return {head: _nested(rest, value) if rest else value}
