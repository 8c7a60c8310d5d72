"""P3.4 to P3.6 on made-up figures: what they answer, and that each can fail."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from msgspec import structs

from telemetry.recording.sample import REASON_CODE, SAMPLE, Outcome
from tests.support.manifest import manifest
from verdicts.measure.target import origins
from verdicts.points.free_tier import free_tier
from verdicts.points.jwks_fetches import jwks_fetches
from verdicts.points.point import Finding
from verdicts.points.token_checks import token_checks
from verdicts.run.reading import Event, Run

GROUPS = [
    {"name": "valid", "persona": {"name": "caller", "options": {}}},
    {"name": "expired", "persona": {"name": "forger", "options": {"kind": "expired"}}},
]
PHASES = [{"name": "quiet", "start": 0.0, "end": 10.0}, {"name": "flood", "start": 10.0, "end": 20.0}]


class Target:
    """Totals by (source, name, label value); NaN for what nobody exposes."""

    def __init__(self, totals: dict[tuple[str, ...], float]) -> None:
        self.totals = totals
        self.sources = {source for source, *_ in totals}

    def total(self, source: str, name: str, **labels: str) -> float:
        return self.totals.get((source, name, *labels.values()), float("nan"))


def run(
    totals: dict[tuple[str, ...], float] | None = None,
    accepted: int = 0,
    failed: int = 0,
    events: tuple[Event, ...] = (),
) -> Any:
    """20 s: 10 valid calls a second; from second 10 on 100 expired tokens a second."""
    valid, bad = np.arange(0, 20, 0.1), np.arange(10, 20, 0.01)
    samples = np.zeros(len(valid) + len(bad), SAMPLE)
    samples["planned"] = np.concatenate([valid, bad])
    samples["done"] = samples["planned"] + 0.02
    samples["group"][len(valid) :] = 1
    samples["outcome"][len(valid) + accepted :] = Outcome.FAILED
    samples["reason"][len(valid) + accepted :] = REASON_CODE["invalid_token"]
    samples["outcome"][:failed] = Outcome.FAILED
    everything = np.ones(len(samples), dtype=bool)
    scenario = {"groups": GROUPS, "phases": PHASES}
    return SimpleNamespace(
        samples=samples,
        scenario=scenario,
        manifest=manifest(
            scenario=scenario,
            groups=["valid", "expired"],
            machine={"cpu": "a machine", "cores": 2},
            stack={"settings": {"edge": {"jwks_mode": "cached", "jwks_ttl": 300.0}}},
            target={"name": "bundled", "limits": {"ip_per_min": {"most": 1000}}},
        ),
        events=events,
        target=Target(totals or {}),
        out=everything,
        sent=everything,
        judged=samples["group"] == 0,
    )


def findings(found: Finding | Iterable[Finding]) -> list[Finding]:
    return [found] if isinstance(found, Finding) else list(found)


def checks(result: str, count: float, seconds: float, within: float) -> dict[tuple[str, ...], float]:
    name = "mcpist_jwt_verify_cpu_seconds"
    return {
        ("edge", f"{name}_count", result): count,
        ("edge", f"{name}_sum", result): seconds,
        ("edge", f"{name}_bucket", result, "0.01"): within,
    }


def test_of_a_real_worker_its_processes_cpu_over_all_calls_is_the_answer() -> None:
    name = "mcpist_worker_request_cpu_seconds"
    totals: dict[tuple[str, ...], float] = {("edge", f"{name}_count"): 1200.0, ("edge", f"{name}_sum"): 0.6}
    cost, _ = findings(token_checks(cast(Run, run(totals))))
    assert (cost.value, cost.unit, cost.figures) == (0.5, "ms CPU a call (mean)", {"mean": 0.0005})
    unseen, _ = findings(token_checks(cast(Run, run())))
    assert name in unseen.evidence


def test_the_dearest_kind_of_token_is_the_answer() -> None:
    totals = checks("valid", 100, 0.02, 100) | checks("expired", 1000, 0.3, 998)
    cost, _ = findings(token_checks(cast(Run, run(totals))))
    assert cost.value == pytest.approx(0.3)
    assert cost.figures == {"mean": pytest.approx(0.0003)}
    assert {row["token"]: row["over 10 ms"] for row in cost.rows} == {"valid": 0, "expired": 2}


def test_a_targets_own_count_of_its_checks_is_the_answer() -> None:
    """Its page has other buckets, and its CPU is not that of this machine."""
    told = checks("expired", 1000, 0.3, 998)
    totals: dict[tuple[str, ...], float] = {
        ("target-0", *key): seen for (_, *key), seen in told.items() if not key[0].endswith("bucket")
    }
    made = run(totals)
    made.manifest = structs.replace(made.manifest, bundled=False)
    cost, _ = findings(token_checks(cast(Run, made)))
    assert cost.figures == {"mean": pytest.approx(0.0003)}
    assert cost.evidence.endswith("as the target tells it.")
    assert cost.rows[0]["over 10 ms"] is None


def test_valid_users_are_told_with_and_without_the_flood() -> None:
    _, service = findings(token_checks(cast(Run, run())))
    assert (service.status, service.value) == ("pass", 100.0)
    assert [(row["phase"], row["sent"], row["p95 ms"]) for row in service.rows] == [
        ("quiet", 100, 20.0),
        ("flood", 100, 20.0),
    ]


def test_one_failed_valid_call_fails_the_point() -> None:
    _, service = findings(token_checks(cast(Run, run(failed=1))))
    assert service.status == "fail"
    assert service.figures == {"success": pytest.approx(0.995)}
    assert service.broke == "success is 99.5 % (allowed >= 100 %)"


def test_without_metrics_the_cost_is_unseen() -> None:
    cost, _ = findings(token_checks(cast(Run, run())))
    assert (cost.status, cost.value) == ("info", None)


def test_fetches_per_thousand_requests() -> None:
    totals = {
        ("edge", "mcpist_jwks_fetches_total"): 600.0,
        ("edge", "mcpist_jwks_fetches_total", "unknown-kid"): 599.0,
        ("edge", "mcpist_jwks_fetches_total", "first"): 1.0,
        ("supabase", "mcpist_jwks_requests_total"): 600.0,
    }
    (found,) = findings(jwks_fetches(cast(Run, run(totals))))
    assert found.figures == {"fetches": pytest.approx(500), "unknown": 0, "caused": 599, "ttl": 300}
    assert {row["cause"]: row["fetches"] for row in found.rows} == {"first": 1, "unknown-kid": 599}
    assert "60.00 a second" in found.evidence


FETCHES = "mcpist_jwks_fetches_total"


def test_without_a_cache_each_unknown_key_id_makes_a_fetch() -> None:
    made = run({("edge", FETCHES): 1200.0, ("edge", FETCHES, "no-cache"): 1200.0})
    made.scenario["groups"] = [GROUPS[0], {"persona": {"name": "forger", "options": {"kind": "unknown-kid"}}}]
    (found,) = findings(jwks_fetches(cast(Run, made)))
    assert (found.value, found.figures["caused"]) == (1000, 1000)


def test_a_targets_own_counters_tell_as_well() -> None:
    made = run({("target-0", FETCHES): 600.0, ("target-0", FETCHES, "first"): 600.0})
    made.manifest = manifest(scenario=made.scenario, groups=["valid", "expired"], bundled=False)
    (found,) = findings(jwks_fetches(cast(Run, made)))
    assert found.figures["fetches"] == pytest.approx(500)


def test_without_metrics_fetches_are_unseen() -> None:
    (found,) = findings(jwks_fetches(cast(Run, run())))
    assert found.status == "info"


def test_the_free_tier_at_a_hundred_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origins, "requests", lambda run: 200.0)
    used, seen = findings(free_tier(cast(Run, run())))
    assert used.figures == {"share": pytest.approx(0.06), "days": pytest.approx(86.4)}
    assert used.value == 86.4
    assert "1.16 req/s are enough" in used.evidence
    assert "takes 100 minutes" in used.evidence
    assert "16.7 minutes" in used.evidence
    assert (seen.status, seen.value) == ("pass", 0)
    assert seen.rows[0]["answers"] == "invalid_token 1,000"


@pytest.mark.parametrize(("at_origin", "accepted"), [(201.0, 0), (200.0, 1), (203.0, 3)])
def test_one_bad_token_at_the_origin_fails(
    monkeypatch: pytest.MonkeyPatch, at_origin: float, accepted: int
) -> None:
    monkeypatch.setattr(origins, "requests", lambda run: at_origin)
    _, seen = findings(free_tier(cast(Run, run(accepted=accepted))))
    assert seen.status == "fail"


def test_a_valid_call_that_ended_with_the_run_is_no_failure() -> None:
    made = run()
    made.samples["outcome"][:3] = Outcome.ABORTED
    _, valid = findings(token_checks(cast(Run, made)))
    assert (valid.value, valid.status) == (100.0, "pass")


def test_a_good_call_that_the_edge_refused_hides_no_bad_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """50 of 200 good calls end at the edge, so of 200 at the origin 50 had bad tokens."""
    monkeypatch.setattr(origins, "requests", lambda run: 200.0)
    made = run(failed=50)
    made.samples["reason"][:50] = REASON_CODE["ip_limit_exceeded"]
    _, seen = findings(free_tier(cast(Run, made)))
    assert (seen.value, seen.status) == (50, "fail")


def test_a_target_that_counts_what_it_refuses_has_let_nothing_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its own count is at its front door: 1,000 refused tokens are in it."""
    monkeypatch.setattr(origins, "requests", lambda run: 1200.0)
    made = run()
    limits = {"ip_per_min": {"most": 1000}, "free_per_day": 100_000}
    made.manifest = manifest(bundled=False, target={"name": "mine", "limits": limits})
    _, seen = findings(free_tier(cast(Run, made)))
    assert not seen.seen


@pytest.mark.parametrize(("fetches", "status"), [(1, None), (24, None), (1200, "fail")])
def test_the_suites_own_key_set_knows_its_fetches(fetches: int, status: str | None) -> None:
    (found,) = findings(jwks_fetches(run(events=(Event(21.0, "run", "key-set", {"fetches": fetches}),))))
    assert found.figures["fetches"] == pytest.approx(fetches / 1.2)
    assert found.status == status
