"""P0.2, P0.3 and P1.6 on a real origin: the kernel's figures, and none of a model."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.p0_runs import Scrape, asked, judged, result
from tests.support.synthetic_run import Spec
from verdicts.explain import first_break, first_limit

MIB = 2**20
CALL = 80_000.0  # bytes
LIMIT = {"P0.2": "nano_memory <= 200 MB", "P0.3": "kills == 0", "P1.6": "nano_memory <= 200 MB"}


def real(nano: str = "cgroup") -> Spec:
    spec = asked(LIMIT)
    parts = {"edge": "fakes", "origin": "real", "nano": nano}
    settings = {"parts": parts, "nano": {"memory_limit": 256 * MIB, "cpu_share": 0.1}}
    return replace(spec, manifest={**spec.manifest, "stack": {"settings": settings, "processes": {}}})


def lived(
    killed_at: float = math.inf, throttled: float = 9.0, base: float = 10 * MIB, call: float = CALL
) -> list[Scrape]:
    """An instance that fills by 100 calls a second, 4 goroutines each, and uses its whole tenth of a core."""
    scrapes: list[Scrape] = []
    for t in np.arange(-1.0, 12.0):
        calls = 100 * max(float(t), 0.0)
        memory = base + call * calls
        values = {
            "mcpist_in_flight": calls,
            "mcpist_goroutines": 15 + 4 * calls,
            "mcpist_memory_bytes": memory + 5 * MIB,
            "go_memstats_heap_inuse_bytes": memory / 2,
            "go_memstats_stack_inuse_bytes": memory / 4,
            'mcpist_requests_total{method="POST",path="/v1/mcp",status="200"}': max(t, 0.0) * 300,
        }
        counted = {
            "memory_bytes": memory,
            "memory_peak_bytes": memory,
            "cpu_seconds_total": 0.1 * (t + 1),
            "periods_total": 10 * (t + 1),
            "throttled_periods_total": throttled * (t + 1),
            "throttled_seconds_total": 0.5 * (t + 1),
            "oom_kills_total": float(t >= killed_at),
        }
        told = {f'stack_cgroup_{name}{{process="origin-a"}}': value for name, value in counted.items()}
        scrapes += [(float(t), "origin-a", values), (float(t), "stack", told)]
    return scrapes


def test_memory_is_the_cgroups_and_a_call_has_its_price(tmp_path: Path) -> None:
    one = result(judged(tmp_path, real(), lived()), "P0.2")
    assert (one.basis, one.subject, one.status) == ("measured", "real parts", "pass")
    assert one.value == pytest.approx(10 + 11 * 100 * CALL / MIB, abs=0.1)
    assert one.unit == "MiB (peak of the cgroup)"
    assert one.figures["per_call"] == pytest.approx(CALL)
    assert one.figures["per_goroutine"] == pytest.approx(CALL / 4)
    assert "80,000 ± 0 bytes a call in flight (95 %)" in one.evidence
    assert one.rows[-1]["calls in flight"] == 1100


def test_memory_that_fell_has_no_price_a_call(tmp_path: Path) -> None:
    one = result(judged(tmp_path, real(), lived(base=150 * MIB, call=-CALL)), "P0.2")
    assert math.isnan(one.figures["per_call"])
    assert math.isnan(one.figures["per_goroutine"])
    assert "bytes a call in flight: not known, as memory did not surely rise with it" in one.evidence


def test_a_kill_is_the_kernels(tmp_path: Path) -> None:
    killed = {"origin": "origin-a", "to": "killed", "limit": "memory"}
    events = [{"t": 5.0, "kind": "state", "name": "nano", "detail": killed}]
    found = judged(tmp_path, real(), lived(killed_at=5.0), events)
    assert (result(found, "P0.3").status, result(found, "P0.3").basis) == ("fail", "measured")
    assert "The kernel killed it" in result(found, "P0.3.kills").evidence
    assert result(found, "P1.6.nano-memory").figures["kills"] == 1
    limit = first_limit.of(found)
    assert limit is not None
    assert (limit.name, limit.why) == (first_limit.NANO_MEMORY, "killed at 5.0 s, measured")
    assert any("killed (by the kernel" in one.what for one in first_break.target_breaks(found.run))


def test_cpu_throttling_and_the_rate_that_fills_the_nano(tmp_path: Path) -> None:
    found = judged(tmp_path, real(), lived())
    cpu, full = result(found, "P1.6.nano-cpu"), result(found, "P1.6.nano-full")
    assert cpu.value == pytest.approx(0.1)
    assert cpu.figures["throttled"] == pytest.approx(0.9)
    assert full.value == pytest.approx(300.0, rel=0.01)
    assert full.subject == "real parts"


def test_nothing_is_modelled(tmp_path: Path) -> None:
    found = judged(tmp_path, real(), lived())
    assert {one.basis for one in found.points} == {"measured"}


def test_without_a_nano_it_is_said(tmp_path: Path) -> None:
    scrapes = [one for one in lived() if one[1] != "stack"]
    found = judged(tmp_path, real("unlimited"), scrapes)
    for part in ("nano-memory", "nano-cpu", "nano-full"):
        one = result(found, f"P1.6.{part}")
        assert (one.status, one.value) == ("info", None)
        assert "NANO=unlimited" in one.evidence
    assert result(found, "P0.2").unit == "MiB resident (peak)"


def test_an_edge_that_is_a_fake_is_not_called_real(tmp_path: Path) -> None:
    found = judged(tmp_path, real(), lived())
    assert {one.subject for one in found.points if one.id.startswith(("P0", "P1"))} == {"real parts"}
    spec = asked({"P1.8": ""}, real())
    assert result(judged(tmp_path / "more", spec, lived()), "P1.8").subject == "bundled stack"


def test_what_memory_holds_is_read_off_the_line(tmp_path: Path) -> None:
    spec = asked({"P0.1": "limit >= 1", "P0.2": "nano_memory <= 200 MB"})
    spec = replace(spec, manifest={**spec.manifest, "stack": real().manifest["stack"]})
    one = result(judged(tmp_path, spec, lived()), "P0.1.limit")
    assert (one.basis, one.subject) == ("measured", "real parts")
    assert one.value == int((256 - 10) * MIB / CALL)


def test_without_a_line_nothing_is_held(tmp_path: Path) -> None:
    still = [
        (t, source, {**values, **({"mcpist_in_flight": 3.0} if source == "origin-a" else {})})
        for t, source, values in lived()
    ]
    spec = asked({"P0.1": "limit >= 1", "P0.2": "nano_memory <= 200 MB"})
    spec = replace(spec, manifest={**spec.manifest, "stack": real().manifest["stack"]})
    one = result(judged(tmp_path, spec, still), "P0.1.limit")
    assert (one.status, one.basis) == ("info", "measured")
    assert "sure line" in one.evidence
