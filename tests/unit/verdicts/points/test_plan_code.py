"""C1, C2 and a rotated key: what the plan's own code does, on runs made of arithmetic."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from telemetry.recording.sample import REASON_CODE, SAMPLE, Outcome
from tests.support.p0_runs import Scrape, asked, judged, result
from tests.support.synthetic_run import Samples, Spec, fail, write
from verdicts.points.point import PointResult
from verdicts.points.registry import POINTS
from verdicts.run.reading import load
from verdicts.thresholds import Threshold

LIMITER = {"parts": {}, "origin": {"user_concurrency": 10}}


def told(peak: float, kept: float, running: float, blocked: float) -> list[Scrape]:
    values = {"mcpist_user_calls_peak": peak, "mcpist_user_limiters": kept, "mcpist_tool_calls": running}
    values["mcpist_user_releases_blocked"] = blocked
    return [(t, "origin-a", values) for t in (1.0, 11.0)]


def limiter(folder: Path, scrapes: Iterable[Scrape], change: Any = None) -> dict[str, PointResult]:
    spec = asked(
        {"C1": "over <= 0, unanswered <= 0, blocked <= 0, kept <= 0"},
        Spec(duration=10.0, accounts=10, chances={}, probes=False, change=change,
             manifest={"stack": {"settings": LIMITER, "processes": {}}}),
    )  # fmt: skip
    found = judged(folder, spec, scrapes)
    return {one.id: one for one in found.points if one.id.startswith("C1")}


def test_the_limiter_as_written_is_over_its_limit_and_leaves_calls_behind(tmp_path: Path) -> None:
    def hang(samples: Samples) -> Samples:
        samples["outcome"][:3] = Outcome.ABORTED
        fail(samples, samples["index"] == 7, "timeout")
        return samples

    found = limiter(tmp_path, told(15, 40, 0, 50), hang)
    assert [one.status for one in found.values()] == ["fail"] * 4
    assert (found["C1"].value, found["C1"].unit) == (15, "at once of one user, 10 allowed")
    assert found["C1"].figures == {"most": 15, "limit": 10, "over": 5}
    assert found["C1.unanswered"].value == 4
    assert found["C1.blocked"].value == 50
    assert (found["C1.kept"].value, found["C1.kept"].figures["kept_bytes"]) == (40, 40 * 286)


def test_the_mended_limiter_holds(tmp_path: Path) -> None:
    found = limiter(tmp_path, told(10, 4, 4, 0))
    assert [one.status for one in found.values()] == ["pass"] * 4


def test_what_no_origin_tells_is_unseen_and_the_most_is_the_callers(tmp_path: Path) -> None:
    found = limiter(tmp_path, [(1.0, "origin-a", {"mcpist_in_flight": 0.0})])
    assert found["C1"].evidence.startswith("By the callers' samples, at least.")
    assert {id: one.value for id, one in found.items()}["C1.blocked"] is None
    assert found["C1.kept"].value is None


def of_3_seconds(samples: Samples) -> Samples:
    samples["upstream_s"], samples["done"] = 2.99, samples["sent"] + 3.0
    return samples


def test_a_limiter_that_is_off_counts_nothing_and_the_callers_do(tmp_path: Path) -> None:
    found = limiter(tmp_path, told(0, 0, 0, 0), of_3_seconds)["C1"]
    assert (found.value, found.status) == (15, "fail")
    assert found.evidence.startswith("By the callers' samples, at least.")


def test_a_limit_that_nobody_met_is_not_proved(tmp_path: Path) -> None:
    found = limiter(tmp_path, told(3, 0, 0, 0))["C1"]
    assert (found.value, found.status) == (3, "invalid")
    assert "Nobody met the limit" in found.evidence


@pytest.mark.parametrize(
    ("tool", "took", "status"), [(1.0, 3.0, "invalid"), (2.99, 3.0, "fail"), (1.98, 1.99, "pass")]
)
def test_a_most_that_may_lie_on_either_side_of_a_limit_neither_holds_nor_breaks_it(
    tmp_path: Path, tool: float, took: float, status: str
) -> None:
    """5 calls a second of each user, 10 at once are allowed: a tool of 1 s may begin late in 3 s."""

    def slow(samples: Samples) -> Samples:
        samples["upstream_s"], samples["done"] = tool, samples["sent"] + took
        return samples

    stack = {"stack": {"settings": LIMITER, "processes": {}}}
    run = load(
        write(
            tmp_path / "run",
            Spec(duration=10.0, accounts=10, chances={}, probes=False, change=slow, manifest=stack),
        )
    )
    assert POINTS["C1"].results(run, Threshold.parse("over <= 0"))[0].status == status
    parts = {one.id: one for one in POINTS["P0.1"].results(run, Threshold.parse("per_user <= 10"))}
    assert parts["P0.1.per-user"].status == status


def calls(*sent: tuple[float, int]) -> Any:
    """One call each: when, of which account; answered after 2 ms, a user's first in a second after 52."""

    def change(samples: Samples) -> Samples:
        made = np.zeros(len(sent), SAMPLE)
        seen: set[tuple[int, int]] = set()
        for index, (sample, (at, account)) in enumerate(zip(made, sent, strict=True)):
            first = (account, int(at)) not in seen
            seen.add((account, int(at)))
            sample["index"], sample["account"], sample["status"] = index, account, 200
            sample["planned"] = sample["sent"] = at
            sample["done"], sample["upstream_s"] = at + (0.052 if first else 0.002), np.nan
        return made

    return change


EDGE = {"mcpist_burst_entries": 30.0, "mcpist_kv_writes_total": 20.0, "mcpist_kv_reads_total": 0.0}
FAILURES = 'mcpist_kv_failures_total{op="put",cause="ttl"}'


def burst(
    folder: Path, change: Any, edge: dict[str, float], protections: tuple[str, ...] = ("burst-limit",)
) -> dict[str, PointResult]:
    before = {name: 0.0 for name in edge if "_total" in name}
    manifest = {"protections": list(protections)}
    base = Spec(duration=10.0, accounts=2, chances={}, probes=False, change=change, manifest=manifest)
    spec = asked({"C2": ""}, base)
    judged(folder, spec, [(-1.0, "edge", {**edge, **before}), (11.0, "edge", edge)])
    bounds = Threshold.parse("failed <= 0 %, over <= 0, each <= 1, writes <= 0, wait <= 10 ms")
    return {one.id: one for one in POINTS["C2"].results(load(folder / "run"), bounds)}


def test_ten_within_a_seconds_edge_are_over_the_limit_of_five(tmp_path: Path) -> None:
    around = [(3.8 + 0.03 * n, 0) for n in range(5)] + [(4.01 + 0.03 * n, 0) for n in range(5)]
    found = burst(tmp_path, calls(*around), EDGE)
    assert (found["C2.second"].value, found["C2.second"].status) == (10, "fail")
    assert (found["C2.kept"].figures["each"], found["C2.kept"].status) == (30, "fail")
    assert found["C2.wait"].value == pytest.approx(50, abs=0.2)
    assert (found["C2.wait"].status, found["C2.wait"].basis) == ("fail", "modelled")


def test_writes_are_counted_tried_and_a_write_that_throws_fails_the_call(tmp_path: Path) -> None:
    def throw(samples: Samples) -> Samples:
        made = calls(*((float(n) + 0.1, 0) for n in range(8)))(samples)
        fail(made, made["index"] < 2, "internal_error")
        return made  # type: ignore[no-any-return]

    found = burst(tmp_path, throw, {**EDGE, FAILURES: 4.0})
    assert (found["C2.writes"].value, found["C2.writes"].status) == (24, "fail")
    assert found["C2"].value == 0  # internal_error is not the limit's own


def test_a_burst_limit_that_nobody_met_is_not_proved(tmp_path: Path) -> None:
    found = burst(tmp_path, calls(*((n * 0.25 + 0.01, 0) for n in range(16))), EDGE)["C2.second"]
    assert (found.value, found.status) == (4, "invalid")


def test_the_mended_one_passes_all(tmp_path: Path) -> None:
    sent = [(n * 0.2 + 0.01, 0) for n in range(20)]
    quiet = {"mcpist_burst_entries": 1.0, "mcpist_kv_writes_total": 0.0}

    def level(samples: Samples) -> Samples:
        made = calls(*sent)(samples)
        made["done"] = made["sent"] + 0.002
        return made  # type: ignore[no-any-return]

    found = burst(tmp_path, level, quiet)
    assert [one.status for one in found.values()] == ["pass"] * 5
    assert found["C2.second"].value == 5  # a sixth came a second after the first


def test_what_the_limit_by_address_writes_is_not_told_from_the_burst_limits(tmp_path: Path) -> None:
    quiet = calls(*((float(n) + 0.1, 0) for n in range(8)))
    found = burst(tmp_path, quiet, {**EDGE, "mcpist_kv_reads_total": 20.0}, ("ip-limit", "burst-limit"))
    assert (found["C2.writes"].value, found["C2.writes"].status) == (None, "info")
    assert "ip-limit's writes" in found["C2.writes"].evidence


ROTATION: dict[str, Any] = {
    "faults": [{"at": 0.0, "until": 2.0, "fault": "key-unpublished", "target": None, "params": {}}],
}


def rotated(folder: Path, until: float) -> PointResult:
    def refuse(samples: Samples) -> Samples:
        fail(samples, (samples["planned"] >= 2.5) & (samples["planned"] < until), "internal_error")
        samples["reason"][samples["outcome"] == Outcome.FAILED] = REASON_CODE["invalid_token"]
        return samples

    settings = {"settings": {"edge": {"jwks_mode": "cached"}}}
    base = Spec(
        duration=10.0, accounts=10, chances={}, change=refuse, scenario_data=ROTATION,
        manifest={"time_scale": 10, "stack": settings},
    )  # fmt: skip
    spec = asked({"P3.5": "taken_up <= 60 s"}, base)
    return result(judged(folder, spec), "P3.5.rotation")


def test_a_rotated_key_is_told_in_real_seconds_from_its_publication(tmp_path: Path) -> None:
    found = rotated(tmp_path, 9.0)
    assert isinstance(found.value, float)
    assert 70 <= found.value <= 73  # (9 s - 2 s) × 10, and up to 0.2 s until the user's next call
    assert found.status == "fail"
    assert "10 users signed with the new key" in found.evidence


def test_users_who_are_refused_to_the_end_are_no_number(tmp_path: Path) -> None:
    found = rotated(tmp_path, 99.0)
    assert (found.value, found.status) == ("not within the run", "fail")
