"""The modelled points say whose figures the model has: the plan's, or measured on which machine."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.p0_runs import Scrape, asked, judged, result
from verdicts.breakpoint import goroutine_arithmetic

HERE = "AMD EPYC, 2 cores, 2445 MHz, 2026-11-26"
NANO = {"memory_base": 8e6, "stack_bytes": 4000, "buffer_bytes": 10_000, "goroutines_per_call": 4}


def scrapes() -> list[Scrape]:
    return [
        (float(t), "origin-a", {
            "mcpist_goroutines": 20 + 100.0 * t, "mcpist_memory_bytes": 9e6 + 1e6 * t,
            "mcpist_nano_cpu_seconds_total": 0.05 * t, "mcpist_nano_cpu_queue_seconds": 0.0,
        })
        for t in range(11)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("measured_on", "memory", "cpu"),
    [
        ("", "MiB (assumed) +", "a request (an assumption, settable);"),
        (HERE, f"MiB (measured on {HERE}; limits", f"a request (measured on {HERE}; limits"),
    ],
)
def test_whose_figures(tmp_path: Path, measured_on: str, memory: str, cpu: str) -> None:
    spec = asked({"P0.2": "nano_memory <= 200 MB", "P1.6": "nano_memory <= 200 MB"})
    nano = {**NANO, "cpu_share": 0.1, "cpu_per_request": 0.0003, "memory_limit": 2**28, "cpu_enforced": True}
    settings = {"nano": {**nano, **({"measured_on": measured_on} if measured_on else {})}}
    spec = replace(spec, manifest={**spec.manifest, "stack": {"settings": settings, "processes": {}}})
    found = judged(tmp_path, spec, scrapes())
    assert memory in result(found, "P0.2").evidence
    assert cpu in result(found, "P1.6.nano-cpu").evidence
    arithmetic = goroutine_arithmetic.lines({**settings["nano"], "goroutines_base": 20})
    told = next(line.model for line in arithmetic if line.what == "CPU")
    assert (HERE in told) == bool(measured_on)


def test_requests_that_cost_no_cpu_tell_no_rate(tmp_path: Path) -> None:
    settings = {"nano": {**NANO, "cpu_share": 0.1, "cpu_per_request": 0.0, "memory_limit": 2**28}}
    spec = asked({"P1.6": ""})
    spec = replace(spec, manifest={**spec.manifest, "stack": {"settings": settings, "processes": {}}})
    idle = [(t, name, {**said, "mcpist_nano_cpu_seconds_total": 0.0}) for t, name, said in scrapes()]
    found = result(judged(tmp_path, spec, idle), "P1.6.nano-cpu")
    assert (found.value, found.status) == (0.0, "info")
    assert math.isnan(found.figures["nano_rate"])
    assert "no request costs any;" in found.evidence
