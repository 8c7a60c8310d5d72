"""What an origin counts beside the common metrics; names are those of docs/architecture.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from fakes.http.metrics import Metrics
from fakes.origin.memory import OriginMemory
from fakes.origin.nano import LIFECYCLE, Nano
from fakes.protections.breaker import TABLE, Breakers
from fakes.protections.user_concurrency import UserConcurrency
from fakes.state_machine import states


class OriginMetrics:
    """`refused(reason)`, `limited(limit)`, `kills(limit)` are counters; the rest is read at a scrape.

    `caller_left(call)` counts tool calls whose caller left before the answer: stopped, or went-on; the latter
    have the seconds of `orphan_seconds`.
    """

    def __init__(self, metrics: Metrics, nano: Nano, memory: OriginMemory, upstreams: Iterable[str]) -> None:
        self.refused = metrics.counter("mcpist_refused_total", "Requests refused.", "reason")
        self.limited = metrics.counter("mcpist_rate_limit_hits_total", "Requests over a rate limit.", "limit")
        self.kills = metrics.counter("mcpist_nano_kills_total", "Kills of the instance (modelled).", "limit")
        self.caller_left = metrics.counter(
            "mcpist_caller_left_total", "Tool calls whose caller left before the answer.", "call"
        )
        self._track = metrics.track
        metrics.track("mcpist_memory_bytes", "Memory (modelled).", lambda: nano.memory)
        metrics.track("mcpist_goroutines", "Goroutines (modelled).", lambda: nano.goroutines)
        metrics.track("mcpist_nano_cpu_seconds_total", "CPU spent (modelled).", lambda: nano.cpu.spent)
        metrics.track("mcpist_nano_cpu_queue_seconds", "CPU queue now (modelled).", nano.cpu.queue_now)
        for name, text, value in (
            ("mcpist_user_calls_peak", "Most calls of one user at once since reset.", _peak),
            ("mcpist_user_limiters", "Users of whom user-concurrency keeps something.", UserConcurrency.kept),
            ("mcpist_user_releases_blocked", "Calls over, but blocked there.", UserConcurrency.blocked),
        ):
            metrics.track(name, text, partial(_of_users, memory, value))
        state = metrics.gauge("mcpist_nano_state", "State of the instance (modelled).", "state")
        for name in states(LIFECYCLE):
            state(name).set_function(partial(_is, lambda: nano.state, name))
        breaker = metrics.gauge("mcpist_breaker_state", "State of a breaker.", "upstream", "state")
        for upstream in upstreams:
            for name in states(TABLE):
                now = partial(_breaker_state, memory, upstream)
                breaker(upstream, name).set_function(partial(_is, now, name))

    def orphan_seconds(self, value: Callable[[], float]) -> None:
        """Who tells how long calls went on after their callers left, in sum."""
        text = "Seconds of calls after their callers left."
        self._track("mcpist_caller_left_seconds_total", text, value)


def _is(state: Callable[[], str], name: str) -> float:
    return float(state() == name)


def _of_users(memory: OriginMemory, value: Callable[[UserConcurrency], float]) -> float:
    gate = memory.gates["user-concurrency"]
    assert isinstance(gate, UserConcurrency)
    return value(gate)


def _peak(gate: UserConcurrency) -> float:
    return gate.peak


def _breaker_state(memory: OriginMemory, upstream: str) -> str:
    breakers = memory.gates["breaker"]
    assert isinstance(breakers, Breakers)
    found = breakers.by_upstream.get(upstream)
    return found.state if found is not None else "closed"
