"""What the target promised to admit, in windows of what kind and length: the target file's limits.

The bundled stack's windows and plans are those that it ran with (run.json), its limits those of the
target file divided by `time_scale` as the stack's are (docs/architecture.md, "Time that runs faster"). So a
stack that was set up to allow more than it promises is found out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from verdicts.run.reading import Run

MINUTE: Final = 60.0
DAY: Final = 86_400.0
STARTER: Final = "starter"  # the plan that `rate_per_min` is about
FIXED: Final = "fixed"
SLIDING: Final = "sliding"
BUCKET: Final = "token-bucket"
REFUSES_BY_429: Final = {
    "burst_exceeded": "burst_per_s", "ip_limit_exceeded": "ip_per_min", "rate_limit_exceeded": "rate_per_min",
}  # fmt: skip


class Promise(NamedTuple):
    """At most `limit` calls in each window of `width` seconds.

    fixed         aligned to the Unix epoch by the limiter's clock
    sliding       any `width` seconds
    token-bucket  `size` tokens at most, `limit` more in `width` seconds, evenly
    """

    limit: int
    width: float
    window: str = FIXED
    size: int = 0

    @property
    def fixed(self) -> bool:
        """Its windows are those of a clock."""
        return self.window == FIXED


def burst(run: Run) -> Promise | None:
    """Per account and second; None: not promised. A second stays a second, however fast time runs."""
    return _promise(_limit(run, "burst_per_s"), _setting(run, "edge", "burst_window", 1.0))


def address(run: Run) -> Promise | None:
    """Per client address and minute; None: not promised."""
    return _a_minute(run, _limit(run, "ip_per_min"), _setting(run, "edge", "ip_window", MINUTE))


def rate(run: Run, tier: str) -> Promise | None:
    """Per account of that plan and minute; None: no limit, or not promised."""
    width = _setting(run, "origin", "rate_window", MINUTE)
    limit = _limit(run, "rate_per_min")
    if limit is None:
        return None
    if tier == STARTER or not run.manifest.bundled:
        return _a_minute(run, limit, width)
    tiers: Mapping[str, int] = _setting(run, "origin", "tiers", {})
    return Promise(tiers[tier], width) if tiers.get(tier, -1) > 0 else None


def quota(run: Run) -> Promise | None:
    """Per account and day of UTC; None: not promised."""
    return _promise(_limit(run, "quota_per_day"), DAY)


def promised(run: Run, key: str) -> int | None:
    """The plain number of a key of the target file's `limits`, whatever the run's time scale."""
    limit = _limit(run, key)
    return None if limit is None else int(limit["most"])


def free_a_day(run: Run) -> int | None:
    """Requests of a day that cost nothing, of all accounts; None: no free tier. A target's own says so."""
    free = run.manifest.limits.get("free_per_day")
    return None if free is None else int(free)


def wordless(run: Run) -> list[str]:
    """The reasons that a 429 without one that we know may have had: limits without words of their own."""
    found = ((why, _limit(run, key)) for why, key in REFUSES_BY_429.items())
    return [
        reason for reason, limit in found if limit and not limit.get("reason") and not limit.get("status")
    ]


def _a_minute(run: Run, limit: Mapping[str, Any] | None, width: float) -> Promise | None:
    if limit is None or not run.manifest.bundled:
        return _promise(limit, MINUTE)
    return Promise(max(1, round(limit["most"] / run.manifest.time_scale)), width)


def _promise(limit: Mapping[str, Any] | None, width: float) -> Promise | None:
    if limit is None:
        return None
    window = limit.get("window", FIXED)
    return Promise(limit["most"], width, window, (limit.get("size") or limit["most"]) * (window == BUCKET))


def _limit(run: Run, key: str) -> Mapping[str, Any] | None:
    """One of the target file's; older runs have plain numbers, and one key for the window of the burst's."""
    limits = run.manifest.limits
    found = limits.get(key)
    if not isinstance(found, int):
        return found
    window = limits.get("burst_window", FIXED) if key == "burst_per_s" else FIXED
    return {"most": found, "window": window}


def _setting(run: Run, room: str, name: str, default: Any) -> Any:
    return run.manifest.settings(room).get(name, default)
