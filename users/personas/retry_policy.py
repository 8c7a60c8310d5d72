"""Whether an account repeats what it could not get done, and when. Pure but for its own random numbers.

    kind of the outcome in retry_on → repeats left → within the deadline → a token of the budget → wait

The random numbers are the account's own, so that a run can be repeated; full jitter is what makes accounts
that failed together come back apart.
"""

from __future__ import annotations

import math
from random import Random
from typing import Final

from telemetry.recording.sample import REASON_CODE, Outcome
from users.personas.agent_options import AgentOptions, Kind
from users.transport.call import Call

BUDGET_MOST: Final = 3.0  # tokens
MAX_WAIT: Final = 300.0  # seconds, whatever a server asks for
ENDLESS_LEAST: Final = 0.01  # seconds between endless repeats: our own machine has to live beside them
_TIMEOUT: Final = REASON_CODE["timeout"]


def kind_of(call: Call, given_up: bool) -> Kind | None:
    """What a call's end is to a policy; None: the run was stopped, or our own machine could not send it."""
    if call.outcome is Outcome.OK:
        return "success"
    if call.outcome is Outcome.FAILED:
        return _failure(call.status, call.reason)
    return "timeout" if given_up and call.outcome is Outcome.ABORTED else None


def _failure(status: int, reason: int) -> Kind:
    if not status:
        return "timeout" if reason == _TIMEOUT else "connection"
    if status < 400:
        return "tool-error"
    if status < 500:
        return "throttled" if status == 429 else "client-error"
    return "server-error"


class RetryPolicy:
    """One account's."""

    def __init__(self, options: AgentOptions, number: int) -> None:
        """`number` is the account's."""
        self._options = options
        self._random = Random(number)
        self._tokens = BUDGET_MOST
        self._most = options.most_repeats
        self._least = ENDLESS_LEAST if options.retries == "endless" else 0.0

    def succeeded(self) -> None:
        """A set of calls had success: that earns a part of a repeat."""
        self._tokens = min(self._tokens + self._options.budget, BUDGET_MOST)

    def next(self, kind: Kind, repeats: int, retry_after: float, age: float) -> float | None:
        """Seconds until the next attempt, after so many `repeats` and `age` seconds; None: there is none.

        `retry_after`: what the server asked for, NaN where it did not.
        """
        options = self._options
        if kind not in options.retry_on or repeats >= self._most:
            return None
        wait = max(self._wait(repeats, retry_after) + self._thinking(), self._least)
        if age + wait > options.deadline or not self._spend():
            return None
        return wait

    def _wait(self, repeats: int, retry_after: float) -> float:
        options = self._options
        if options.retry_after and not math.isnan(retry_after):
            return min(max(retry_after, 0.0), MAX_WAIT)
        if options.wait == "none":
            return 0.0
        wait = options.base
        if options.wait == "exponential":
            wait = min(options.base * options.factor ** min(repeats, 64), options.most)
        return wait * self._random.random() if options.jitter == "full" else wait

    def _thinking(self) -> float:
        options = self._options
        if not options.think:
            return 0.0
        return self._random.lognormvariate(math.log(options.think), options.spread)

    def _spend(self) -> bool:
        if not self._options.budget:
            return True
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
