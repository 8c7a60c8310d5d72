"""Ends a run whose target is in trouble: what `stop_when` of the target file and of the scenario ask for.

Looked at once a second on the leading side, in the samples that every worker sends there anyway, so it costs
a call nothing and it counts for all workers together.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from common.stop_when import SHARES, StopWhen
from telemetry.recording.journal import SAMPLES
from telemetry.recording.sample import REASON_CODE, REFUSALS, SAMPLE
from telemetry.run_folder.end import STOP_WHEN
from users.transport.health_check import HealthWatch

CHECK_INTERVAL: Final = 1.0  # seconds
_REFUSED: Final = tuple(REASON_CODE[name] for name in REFUSALS)


class Rule:
    """One share, held against one bound."""

    def __init__(self, who: str, key: str, bound: float, window: float) -> None:
        self._says = f"{STOP_WHEN}{who}: {key} {bound:g} or more for {window:g} s"
        self.key = key
        self._bound = bound
        self._window = window
        self._since: float | None = None  # the beginning of the first second of an unbroken row

    def see(self, t: float, share: float) -> str:
        """The share of the second that ended at `t`; why the run has to end, or ""."""
        if share < self._bound:
            self._since = None
            return ""
        if self._since is None:
            self._since = t - CHECK_INTERVAL
        return f"{self._says} (the last second: {share:.2f})" if t - self._since >= self._window else ""


class StopWatch:
    """All that may end one run. `asked`: (whose wish it is, the wish)."""

    def __init__(self, asked: Iterable[tuple[str, StopWhen | None]]) -> None:
        wishes = [(who, wish) for who, wish in asked if wish is not None]
        self._rules = [
            Rule(who, key, bound, wish.window or 0.0)
            for who, wish in wishes
            for key, bound in wish.shares.items()
        ]
        self._failures = [(w.health_failures, who) for who, w in wishes if w.health_failures is not None]
        self._counts = dict.fromkeys(("answers", *SHARES), 0)
        self.health: HealthWatch | None = None

    @property
    def asks_health(self) -> bool:
        """Somebody wants the health check to be asked."""
        return bool(self._failures)

    @property
    def active(self) -> bool:
        """There is anything to look at."""
        return bool(self._rules or self._failures)

    def heard(self, worker: str, kind: str, data: Any) -> None:
        """What a worker said (`users.cluster.conductor`): samples are counted, of every worker alike."""
        if kind != SAMPLES or not self._rules:
            return
        status, reason = (samples := np.frombuffer(data, SAMPLE))["status"], samples["reason"]
        answered = status > 0
        for key, which in (
            ("answers", answered),
            ("status_5xx_share", status >= 500),
            ("status_429_share", status == 429),
            ("refused_share", answered & np.isin(reason, _REFUSED)),
        ):
            self._counts[key] += int(which.sum())

    def why_stop(self, t: float) -> str:
        """Why the run has to end, or ""; `t` in seconds, a second after it was last asked."""
        counts, self._counts = self._counts, dict.fromkeys(self._counts, 0)
        answers = counts["answers"]
        shares = [rule.see(t, counts[rule.key] / answers) for rule in self._rules] if answers else []
        return next(filter(None, [*shares, self._unwell()]), "")

    def _unwell(self) -> str:
        health = self.health
        if health is None:
            return ""
        for bound, who in self._failures:
            if health.failures >= bound:
                row = f"{health.failures} health checks in a row failed (last: {health.last})"
                return f"{STOP_WHEN}{who}: {row}"
        return ""
