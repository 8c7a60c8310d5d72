"""What each scenario's points would say of a target: nothing made up where nothing can be seen."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import pytest

from run.checks.answerability import answers as foreseen
from run.checks.talk import RequestResult
from scenarios import load as scenarios
from targets.schema import Target

# What a client sees by itself. Everything else needs metrics, or the control of the bundled stack.
BY_THE_CLIENT = {
    "P0.1.callers", "P0.1.per-user", "P0.1.refused", "P0.3.innocents",
    "P1.4", "P1.7", "P1.8", "P3.1", "P3.4.valid-users", "P3.6",
    "F1.1", "F1.2", "F1.2.headers", "F1.2.edge", "F1.2.address", "C1.unanswered", "C2.second", "C2.wait",
    "M3.1", "S1", "I1",
}  # fmt: skip


loaded = cache(scenarios.load)


def target(**keys: Any) -> Target:
    return Target.model_validate({"name": "t", "base_url": "http://127.0.0.1:9", **keys})


def answers(name: str, on: Target, found: Any, **tools: RequestResult) -> dict[str, str]:
    return {one.id: one.why for one in foreseen(loaded(name), on, found, tools)}


def took(seconds: float, upstream: float = math.nan) -> RequestResult:
    """A tool that was asked once, and answered."""
    limits = {"upstream_s": upstream, "limit": -1, "remaining": -1, "reset": math.nan}
    return RequestResult("tool", 200, "", seconds, limits=limits)


@pytest.mark.parametrize("name", scenarios.names())
def test_without_metrics(name: str) -> None:
    told = answers(name, target(), {})
    assert {id for id, why in told.items() if not why} <= BY_THE_CLIENT
    for point in loaded(name).points:
        assert any(id == point or id.startswith(f"{point}.") for id in told)


def test_lies_are_told_in_the_modern_era_alone() -> None:
    def why(protocol: str) -> str:
        told = foreseen(loaded("header-lies"), target(), {}, protocol=protocol)
        return next(one.why for one in told if one.id == "M3.1")

    assert (why("2026-07-28"), why("2025-11-25")[:12]) == ("", "Nobody lied ")


FAULTS = ["upstream-outage", "db-pool", "db-crash", "failover", "health", "retry-storm"]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_nobody_made_has_no_consequences_to_tell_of(name: str) -> None:
    told = answers(name, target(limits={"rate_per_min": 60}), {})
    whys = [
        why for id, why in told.items() if id in ("P0.4", "P1.10", "P1.11", "P3.1", "F1.3", "S2", "S3", "S4")
    ]
    assert whys
    assert all(why.startswith("Not observed: ") for why in whys)


METRICS = (
    "mcpist_requests_total", "mcpist_in_flight", "process_cpu_seconds_total", "process_resident_memory_bytes",
    "mcpist_kv_writes_total", "mcpist_kv_reads_total", "mcpist_kv_failures_total", "mcpist_memory_bytes",
    "mcpist_goroutines", "mcpist_jwks_fetches_total", "mcpist_jwt_verify_cpu_seconds_count", "go_goroutines",
    "mcpist_jwt_verify_cpu_seconds_sum", "mcpist_worker_cpu_seconds_count", "mcpist_isolates",
    "mcpist_kv_stored_writes", "mcpist_db_errors_total", "mcpist_upstream_in_flight", "mcpist_tool_calls",
    "mcpist_rate_limit_hits_total", "mcpist_rate_limit_sync_total", "mcpist_nano_kills_total",
)  # fmt: skip


@pytest.mark.parametrize("name", scenarios.names())
def test_metrics_only_ever_add_answers(name: str) -> None:
    bare = answers(name, target(), {})
    rich = answers(name, target(), {"target-0": dict.fromkeys(METRICS, 1.0)})
    assert {id for id, why in bare.items() if not why} <= {id for id, why in rich.items() if not why}


def test_what_a_page_of_metrics_brings() -> None:
    found = {"target-0": {"mcpist_requests_total": 5.0, "process_cpu_seconds_total": 1.0}}
    told = answers("burst", target(), found)
    assert [id for id, why in told.items() if not why] == ["P1.5", "P1.6.cpu", "P1.7", "P1.8"]
    assert "process_resident_memory_bytes" in told["P1.6.memory"]


@pytest.mark.parametrize(
    ("measured", "seen"),
    [(took(3.0), True), (took(0.1), False), (took(3.0, 2.9), True), (took(3.0, 0.1), False)],
)
def test_what_the_target_took_is_what_is_foreseen(measured: RequestResult, seen: bool) -> None:
    """A tool that the scenario calls slow, and that is quick there, has no slow calls to count."""
    told = answers("agent-loop", target(), {}, **{"notion.search": measured})
    assert (told["P0.1.callers"] == "") is seen
    assert seen or told["P0.1.callers"] == "No tool that was called takes a second or more."


def test_what_is_not_promised_is_not_judged() -> None:
    none = {"burst_per_s": None, "ip_per_min": None, "rate_per_min": None}
    assert "promises no burst limit" in answers("single-burst", target(limits=none), {})["F1.1"]
    assert "promises" in answers("rate-limit", target(limits=none), {})["F1.2"]
