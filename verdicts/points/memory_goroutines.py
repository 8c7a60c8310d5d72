"""P0.2: memory against goroutines: modelled for the fake origin, measured on a real one and on a target."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from verdicts.measure.target import goroutines, origins
from verdicts.measure.target.goroutines import Pairs
from verdicts.points import memory_real
from verdicts.points.point import AT_100_MAU, Finding, Value, point
from verdicts.run import real_parts
from verdicts.run.reading import Run

MIB = 2**20
QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


@point(
    "P0.2",
    en="How does memory grow with goroutines?",
    ja="goroutine数に対してメモリはどう増えるか",
    scenario="slow-api",
    when=AT_100_MAU,
    part="origin",
    figures={
        "nano_memory": "bytes",
        "memory": "bytes",
        "goroutines": "",
        "per_goroutine": "bytes",
        "per_call": "bytes",
    },
    units={
        "MiB (peak, nano model)": "MiB(最大、nanoモデル)",
        "MiB resident (peak)": "MiB(常駐、最大)",
        "MiB (peak of the cgroup)": "MiB(cgroupの最大)",
    },
)
def memory_against_goroutines(run: Run) -> Finding:
    """The highest memory, and what a goroutine takes of it."""
    if real_parts.is_real(run):
        return memory_real.of(run)
    basis, wanted = ("modelled", "mcpist_goroutines, mcpist_memory_bytes")
    if not run.manifest.bundled:
        basis, wanted = "measured", "go_goroutines, process_resident_memory_bytes"
    found = goroutines.pairs(run)
    if not found:
        return Finding.unseen(f"{origins.UNSEEN} ({wanted}).", basis="measured")
    return _modelled(run, found[0]) if basis == "modelled" else _measured(found[0])


def _modelled(run: Run, told: Pairs) -> Finding:
    settings, peak = goroutines.nano(run), float(told.memory.max())
    stack, buffers = settings.get("stack_bytes", 8192), settings.get("buffer_bytes", 10240)
    limit, base = settings.get("memory_limit", 256 * MIB), settings.get("memory_base", 40 * MIB)
    most, whose = float(told.goroutines.max()), goroutines.basis_of(settings, "assumed")
    return Finding(
        round(peak / MIB, 1),
        "MiB (peak, nano model)",
        f"{told.source}: base {base / MIB:.4g} MiB ({whose}) + {most:,.0f} goroutines × "
        f"({stack / 1024:.4g} KiB stack + {buffers / 1024:.4g} KiB buffers), "
        f"{settings.get('goroutines_per_call', 2)} goroutines a call; killed over {limit / MIB:g} MiB. "
        f"Scraped once a second. {goroutines.PLAN} The plan also names the scheduler and the garbage "
        f"collector: the model has neither.",
        {"nano_memory": peak, "goroutines": most, "per_goroutine": float(stack + buffers)},
        basis="modelled",
        rows=tuple(_rows(told)),
    )


def _measured(told: Pairs) -> Finding:
    slope, fit = told.slope()
    peak, most = float(told.memory.max()), float(told.goroutines.max())
    return Finding(
        round(peak / MIB, 1),
        "MiB resident (peak)",
        f"{told.source}: at most {most:,.0f} goroutines in {told.goroutines.size} scrapes; "
        f"{_said(slope, fit)}. {goroutines.PLAN}",
        {"memory": peak, "goroutines": most, "per_goroutine": slope if slope > 0 else math.nan},
        rows=tuple(_rows(told)),
    )


def _said(slope: float, fit: float) -> str:
    if math.isnan(slope):
        return "goroutines hardly moved, so there is no slope"
    if slope <= 0:
        return "memory did not rise with them"
    return f"{slope:,.0f} bytes a goroutine by least squares up to there (r² {fit:.2f})"


def _rows(told: Pairs) -> Iterator[dict[str, Value]]:
    """Memory at the scrapes nearest to quantiles of the range of goroutines."""
    low, high = float(told.goroutines.min()), float(told.goroutines.max())
    places = [int(np.abs(told.goroutines - (low + share * (high - low))).argmin()) for share in QUANTILES]
    for place in dict.fromkeys(places):
        yield {
            "goroutines": int(told.goroutines[place]),
            "memory MiB": round(float(told.memory[place]) / MIB, 1),
        }
