"""P0.1 and P0.2 on runs made of arithmetic."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.p0_runs import Scrape, asked, judged, mixed, refuse, result
from tests.support.synthetic_run import Samples
from verdicts.measure.target.goroutines import Pairs

MIB = 2**20
UPSTREAM = 'mcpist_upstream_in_flight_peak{upstream="%s"}'


def told(peak: float = 24.0) -> list[Scrape]:
    scrapes: list[Scrape] = []
    for t in (-1.0, 0.5, 5.5, 10.5):
        n = peak * max(t, 0) / 10.5
        memory = 40 * MIB + (20 + 2 * n) * 18432
        origin = {"mcpist_tool_calls_peak": n, "mcpist_goroutines": 20 + 2 * n, "mcpist_memory_bytes": memory}
        scrapes += [
            (t, "origin-a", origin),
            (t, "upstream", {UPSTREAM % "notion": n, UPSTREAM % "fast": 0.0}),
        ]
    return scrapes


def test_three_witnesses(tmp_path: Path) -> None:
    found = judged(tmp_path, asked({"P0.1": "in_flight <= 20, upstream <= 24, per_user <= 5"}), told())
    assert (result(found, "P0.1").value, result(found, "P0.1").status) == (24, "fail")
    assert (result(found, "P0.1.upstream").value, result(found, "P0.1.upstream").status) == (24, "pass")
    assert "notion" in result(found, "P0.1.upstream").evidence
    # 4 calls/s each of 2.5 and 2 seconds: 10 and 8 at once
    assert result(found, "P0.1.callers").value in {17, 18, 19, "17 to 18", "17 to 19", "18 to 19"}
    assert result(found, "P0.1.per-user").status == "pass"
    assert result(found, "P0.1.refused").value == "none"
    assert result(found, "P0.1").basis == "measured"


def test_a_batch_may_be_as_many_calls_as_its_commands(tmp_path: Path) -> None:
    """One user's 4 calls a second of 2.5 s are 10 at once, or 100 commands: 50 are allowed."""

    def of_one(samples: Samples) -> Samples:
        mixed(samples)["account"][:] = 0
        return samples

    tools = ["fast.echo", "batch", "jira.get_issue"]
    spec = replace(asked({"P0.1": "per_user <= 50"}), change=of_one)
    found = judged(tmp_path, replace(spec, manifest={**spec.manifest, "tools": tools}), told())
    one = result(found, "P0.1.per-user")
    assert one.status == "invalid"
    least, _, most = str(one.value).partition(" to ")
    assert int(least) < 50 < int(most)


@pytest.mark.parametrize(
    ("name", "own", "limit"),
    [("fair-queue", {"limit": 40}, 40), ("adaptive-concurrency", {"most": 30}, 60)],
)
def test_a_limit_of_calls_at_once_is_one_whatever_it_is_called(
    tmp_path: Path, name: str, own: dict[str, int], limit: int
) -> None:
    spec = asked({"P0.1": ""})
    settings = {"parts": {}, "nano": {}, "origin": {}, "protections": {name: own}}
    manifest = {
        **spec.manifest, "protections": [name], "stack": {"settings": settings, "processes": {}}
    }  # fmt: skip
    one = result(judged(tmp_path, replace(spec, manifest=manifest), told()), "P0.1.limit")
    assert (one.value, one.unit) == (limit, f"at once at most (set by {name})")


def test_without_tool_calls_requests_are_the_witness(tmp_path: Path) -> None:
    scrapes: list[Scrape] = [(t, "target-0", {"mcpist_in_flight": 7.0 + t}) for t in (0.0, 5.0, 10.0)]
    spec = replace(asked({"P0.1": ""}), bundled=False)
    found = judged(tmp_path, spec, scrapes)
    assert result(found, "P0.1").value == 17
    assert "may be higher" in result(found, "P0.1").evidence
    assert result(found, "P0.1.upstream").value is None


def test_nobody_tells(tmp_path: Path) -> None:
    found = judged(tmp_path, asked({"P0.1": "in_flight <= 5", "P0.2": "nano_memory <= 1 MB"}))
    for id in ("P0.1", "P0.1.upstream", "P0.2"):
        assert (result(found, id).value, result(found, id).status) == (None, "info")


def test_refusals_have_their_time(tmp_path: Path) -> None:
    def change(samples: Samples) -> Samples:
        refuse(mixed(samples), 1, 4.0, 10.0, "burst_exceeded", after=0.08)
        return samples

    found = judged(tmp_path, asked({"P0.1": "refused_p50 <= 50 ms"}, replace(asked({}), change=change)))
    one = result(found, "P0.1.refused")
    assert one.status == "fail"
    assert one.value == pytest.approx(80, abs=0.1)
    assert [row["reason"] for row in one.rows] == ["burst_exceeded"]
    first = one.rows[0]["first planned at s"]
    assert isinstance(first, float)
    assert 4.0 <= first < 4.3


def test_memory_of_the_nano_is_modelled(tmp_path: Path) -> None:
    found = judged(tmp_path, asked({"P0.2": "nano_memory <= 41 MiB"}), told())
    one = result(found, "P0.2")
    assert (one.basis, one.status, one.value) == ("modelled", "fail", 41.2)
    assert "5,000 goroutines × 18 KB = 90 MB" in one.evidence
    assert one.rows[-1] == {"goroutines": 68, "memory MiB": 41.2}


def test_memory_of_a_go_server_is_measured(tmp_path: Path) -> None:
    scrapes: list[Scrape] = [
        (float(t), "target-0", {"go_goroutines": 10.0 + 50 * t,
                                "process_resident_memory_bytes": 3e7 + (10 + 50 * t) * 20_000})
        for t in range(11)
    ]  # fmt: skip
    spec = replace(asked({"P0.2": "memory <= 256 MiB, per_goroutine <= 18 kB"}), bundled=False)
    one = result(judged(tmp_path, spec, scrapes), "P0.2")
    assert (one.basis, one.subject, one.status) == ("measured", "target", "fail")
    assert "20,000 bytes a goroutine" in one.evidence
    assert one.broken == ("per_goroutine is 20 kB (allowed <= 18 kB)",)


def test_names_of_the_target_s_own_reach_the_point(tmp_path: Path) -> None:
    """`metric_names` lets the probes write them under ours."""
    values = {"mcpist_goroutines": 500.0, "mcpist_memory_bytes": 5e7}
    spec = replace(asked({"P0.2": "memory <= 40 MB"}), bundled=False)
    one = result(judged(tmp_path, spec, [(1.0, "target-0", values), (2.0, "target-0", values)]), "P0.2")
    assert (one.basis, one.status) == ("measured", "fail")
    assert "hardly moved" in one.evidence


def test_slope_of_a_line() -> None:
    x = np.linspace(10, 1000, 30)
    slope, fit = Pairs("t", x, 1e6 + 8192 * x).slope()
    assert slope == pytest.approx(8192)
    assert fit == pytest.approx(1)
    assert np.isnan(Pairs("t", x[:2], x[:2]).slope()[0])
    assert np.isnan(Pairs("t", np.full(9, 5.0), np.arange(9.0)).slope()[0])


def test_memory_that_stays_when_goroutines_go_does_not_bend_the_slope() -> None:
    rising = np.array([20.0, 500.0, 1000.0, 3000.0])
    x = np.concatenate([rising, [2000.0, 20.0]])
    memory = np.concatenate([1e6 + 8192 * rising, np.full(2, 1e6 + 8192 * 3000)])
    assert Pairs("t", x, memory).slope() == pytest.approx((8192, 1))


def test_an_instance_that_is_down_tells_nothing_of_memory(tmp_path: Path) -> None:
    alive = {"mcpist_goroutines": 50.0, "mcpist_memory_bytes": 4.3e7}
    down = {"mcpist_goroutines": 0.0, "mcpist_memory_bytes": 0.0}
    scrapes: list[Scrape] = [(1.0, "origin-a", alive), (2.0, "origin-a", down), (3.0, "origin-a", alive)]
    one = result(judged(tmp_path, asked({"P0.2": ""}), scrapes), "P0.2")
    assert [row["goroutines"] for row in one.rows] == [50]


def test_fast_calls_beside_slow_ones_are_not_left_out_where_they_tell_no_time(tmp_path: Path) -> None:
    """A target tells the slow tool's time alone; every third call is fast.echo's, and takes 4 s."""

    def change(samples: Samples) -> Samples:
        mixed(samples)
        mine = samples["tool"] == 0
        samples["upstream_s"][mine] = np.nan
        samples["done"][mine] = samples["sent"][mine] + 4.0
        return samples

    spec = asked({"P1.7": "p95 <= 2 s, served >= 95 %"})
    quiet = {"quiet": {"notion.get_page": 2.5, "jira.get_issue": 2.0}}
    spec = replace(spec, change=change, bundled=False, manifest={**spec.manifest, **quiet})
    found = result(judged(tmp_path, spec), "P1.7")
    assert found.figures["served"] == 1.0
    assert found.status == "fail"
    assert found.broken[0].startswith("p95 is 4.00")
