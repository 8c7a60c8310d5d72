"""P1.6: the origin's CPU and memory.

*Measured*: the operating system's figures of the process that ran. For the bundled stack that is a
Python fake, so the subject says so, and it is never an estimate of the real gateway.
*Modelled*: the nano's memory and CPU by the model of its instance; of a real origin the kernel's own counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from verdicts.measure.target import cpu, goroutines, origins
from verdicts.points import nano_real
from verdicts.points.point import AT_500_MAU, Finding, point
from verdicts.run import real_parts
from verdicts.run.reading import Run

MIB = 2**20
QUEUE = "mcpist_nano_cpu_queue_seconds"


@point(
    "P1.6",
    en="How much CPU and memory does the origin use?",
    ja="オリジンのCPUとメモリの使用量はどれだけか",
    scenario="burst",
    when=AT_500_MAU,
    part="origin",
    figures={
        **{"cpu": "vCPU", "memory": "bytes", "nano_memory": "bytes", "nano_cpu": "vCPU", "kills": ""},
        **{"nano_demand": "vCPU", "nano_queue": "s", "nano_rate": "req/s", "nano_cost": "s"},
        **{"throttled": "share", "full": "req/s"},
    },
    units={
        "% of a core (mean)": "%(1コアに対する平均)",
        "MiB resident (peak)": "MiB(常駐、最大)",
        "vCPU (mean, nano model)": "vCPU(平均、nanoモデル)",
        "MiB (peak, nano model)": "MiB(最大、nanoモデル)",
        "MiB (peak of the cgroup)": "MiB(cgroupの最大)",
        "vCPU (mean of the cgroup)": "vCPU(cgroupの平均)",
        "req/s fill the nano": "req/sでnanoが飽和",
    },
)
def origin_resources(run: Run) -> Iterator[Finding]:
    """CPU and memory, measured; then the nano's, modelled, for the bundled stack."""
    used = _processes(run)
    yield _cpu(used) if used else Finding.unseen(f"{origins.UNSEEN} (process_cpu_seconds_total).", "cpu")
    sized = [one for one in used if not np.isnan(one.memory_peak)]
    yield (
        _memory(sized)
        if sized
        else Finding.unseen(f"{origins.UNSEEN} (process_resident_memory_bytes).", "memory")
    )
    if real_parts.is_real(run):
        yield from nano_real.of(run)
    elif run.manifest.bundled:
        yield _nano_memory(run)
        yield _nano_cpu(run)


def _processes(run: Run) -> list[cpu.ProcessUsage]:
    if run.manifest.bundled:
        return [one for one in cpu.usage(run) if one.name.startswith("origin-")]
    return cpu.of_sources(run, origins.sources(run))


def _cpu(used: list[cpu.ProcessUsage]) -> Finding:
    busiest = max(used, key=lambda one: one.mean)
    each = "; ".join(f"{one.name} mean {one.mean:.3f}, peak {one.peak:.3f}" for one in used)
    return Finding(
        round(busiest.mean * 100, 1),
        "% of a core (mean)",
        f"CPU of the process in cores: {each}.",
        {"cpu": busiest.mean},
        "cpu",
    )


def _memory(used: list[cpu.ProcessUsage]) -> Finding:
    largest = max(used, key=lambda one: one.memory_peak)
    each = "; ".join(f"{one.name} {one.memory_peak / MIB:.1f} MiB" for one in used)
    return Finding(
        round(largest.memory_peak / MIB, 1),
        "MiB resident (peak)",
        f"Largest resident memory of the process: {each}.",
        {"memory": largest.memory_peak},
        "memory",
    )


def _nano(run: Run) -> Mapping[str, float]:
    """The nano model's settings that the stack ran with."""
    return run.manifest.settings("nano")


def _nano_memory(run: Run) -> Finding:
    peak = origins.peak(run, "mcpist_memory_bytes")
    if np.isnan(peak):
        return Finding.unseen(origins.UNSEEN + " (mcpist_memory_bytes).", "nano-memory", "modelled")
    kills = run.target.sum("mcpist_nano_kills_total", "origin-")
    kills = 0.0 if np.isnan(kills) else kills
    most = origins.peak(run, "mcpist_goroutines")
    limit = _nano(run).get("memory_limit", 256 * MIB)
    return Finding(
        round(peak / MIB, 1),
        "MiB (peak, nano model)",
        f"base + goroutines × (stack + HTTP buffers), at most {most:,.0f} goroutines; "
        f"limit {limit / MIB:.0f} MiB; killed {kills:.0f} times.",
        {"nano_memory": peak, "kills": kills},
        "nano-memory",
        "modelled",
    )


def _nano_cpu(run: Run) -> Finding:
    counter = "mcpist_nano_cpu_seconds_total"
    means = [cpu.mean(run, *run.target.series(source, counter)) for source in origins.sources(run)]
    mean = max((one for one in means if not np.isnan(one)), default=float("nan"))
    if np.isnan(mean):
        return Finding.unseen(f"{origins.UNSEEN} ({counter}).", "nano-cpu", "modelled")
    settings = _nano(run)
    whose = goroutines.basis_of(settings, "an assumption, settable")
    share, cost = settings.get("cpu_share", 0.1), settings.get("cpu_per_request", float("nan"))
    queues = [cpu.since_start(*run.target.series(one, QUEUE))[1] for one in origins.sources(run)]
    queued = max((float(np.percentile(one, 95)) for one in queues if one.size), default=float("nan"))
    queue = "not observed" if np.isnan(queued) else f"{queued * 1000:,.1f} ms (p95)"
    used = min(mean, share) if settings.get("cpu_enforced", True) else mean
    rate = mean / cost if cost else float("nan")  # what costs nothing is not counted by its cost
    asked = f"{rate:,.0f} req/s × {cost * 1000:g} ms a request ({whose})" if cost else "no request costs any"
    return Finding(
        round(used, 4),
        "vCPU (mean, nano model)",
        f"Demanded {mean:.4f} vCPU: {asked}; used {used:.4f} of a share of {share:g}; what is above the "
        f"share waits: queue {queue}.",
        {
            **{"nano_cpu": used, "nano_demand": mean, "nano_queue": queued},
            **{"nano_rate": rate, "nano_cost": cost},
        },
        "nano-cpu",
        "modelled",
    )
