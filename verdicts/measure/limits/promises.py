"""What the target promised to admit, in windows of what length: the target file's limits, scaled with time.

The bundled stack's windows and plans are those that it ran with (run.json), its limits those of the
target file divided by `time_scale` as the stack's are (docs/architecture.md, "Time that runs faster"). So a
stack that was set up to allow more than it promises is found out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from verdicts.run.reading import Run

MINUTE: Final = 60.0
STARTER: Final = "starter"  # the plan that `rate_per_min` is about


class Promise(NamedTuple):
    """At most `limit` calls in each fixed window of `width` seconds, aligned to the Unix epoch.

    `sliding`: in any `width` seconds instead.
    """

    limit: int
    width: float
    sliding: bool = False


def burst(run: Run) -> Promise | None:
    """Per account and second; None: not promised. A second stays a second, however fast time runs."""
    limit = _limits(run).get("burst_per_s")
    if limit is None:
        return None
    sliding = _limits(run).get("burst_window") == "sliding"
    return Promise(limit, _setting(run, "edge", "burst_window", 1.0), sliding)


def address(run: Run) -> Promise | None:
    """Per client address and minute; None: not promised."""
    limit = _limits(run).get("ip_per_min")
    return None if limit is None else _per_minute(run, limit, _setting(run, "edge", "ip_window", MINUTE))


def rate(run: Run, tier: str) -> Promise | None:
    """Per account of that plan and minute; None: no limit, or not promised."""
    width = _setting(run, "origin", "rate_window", MINUTE)
    limit = _limits(run).get("rate_per_min")
    if limit is None:
        return None
    if tier == STARTER or not run.manifest.bundled:
        return _per_minute(run, limit, width)
    tiers: Mapping[str, int] = _setting(run, "origin", "tiers", {})
    return Promise(tiers[tier], width) if tiers.get(tier, -1) > 0 else None


def _per_minute(run: Run, limit: int, width: float) -> Promise:
    scale = run.manifest.time_scale if run.manifest.bundled else 1
    return Promise(max(1, round(limit / scale)), width if run.manifest.bundled else MINUTE)


def _limits(run: Run) -> Mapping[str, Any]:
    return run.manifest.limits


def _setting(run: Run, room: str, name: str, default: Any) -> Any:
    return run.manifest.settings(room).get(name, default)
