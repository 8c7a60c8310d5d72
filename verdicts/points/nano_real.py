"""P1.6 on a real origin: what the kernel counted of its nano, and the rate at which its CPU share is full.

CPU a request is all that the cgroup used from start to the last answer, health checks and scrapes included,
over the requests answered; the share divided by it is the rate that fills the nano.
"""

from __future__ import annotations

from collections.abc import Iterator

from verdicts.measure.target.real_nano import MIB, NanoUsage, all_of
from verdicts.points.point import Finding
from verdicts.run import real_parts
from verdicts.run.reading import Run


def of(run: Run) -> Iterator[Finding]:
    """Memory, CPU and the rate that fills the share; each `info` where no cgroup held the origin."""
    nanos = all_of(run)
    if not nanos:
        why = real_parts.why_unseen(run)
        yield from (Finding.unseen(why, part) for part in ("nano-memory", "nano-cpu", "nano-full"))
        return
    settings = run.manifest.settings("nano")
    yield _memory(nanos, settings.get("memory_limit", 256 * MIB))
    yield _cpu(nanos, settings.get("cpu_share", 0.1))
    yield _full(nanos[0], settings.get("cpu_share", 0.1), run.manifest.machine.told)


def _memory(nanos: list[NanoUsage], limit: float) -> Finding:
    largest = max(nanos, key=lambda one: one.memory_peak)
    kills = sum(one.kills for one in nanos)
    each = "; ".join(f"{one.process} {one.memory_peak / MIB:.1f} MiB" for one in nanos)
    return Finding(
        round(largest.memory_peak / MIB, 1),
        "MiB (peak of the cgroup)",
        f"By the cgroup's own high-water mark: {each}; limit {limit / MIB:g} MiB without swap; the kernel "
        f"killed {kills:.0f} times.",
        {"nano_memory": largest.memory_peak, "kills": kills},
        "nano-memory",
    )


def _cpu(nanos: list[NanoUsage], share: float) -> Finding:
    busiest = nanos[0]
    return Finding(
        round(busiest.cpu_mean, 4),
        "vCPU (mean of the cgroup)",
        f"{busiest.process} used {busiest.cpu_mean / share:.0%} of its share of {share:g} under load; "
        f"it was throttled in {busiest.throttled:.0%} of its CPU periods, {busiest.throttled_s:.1f} s in sum "
        f"over its threads.",
        {"nano_cpu": busiest.cpu_mean, "throttled": busiest.throttled},
        "nano-cpu",
        rows=tuple(
            {
                "instance": one.process,
                "CPU s": round(one.cpu_s, 3),
                "periods throttled %": round(100 * one.throttled, 1),
                "throttled s": round(one.throttled_s, 2),
                "requests": None if one.requests != one.requests else int(one.requests),
            }
            for one in nanos
        ),
    )


def _full(busiest: NanoUsage, share: float, machine: str) -> Finding:
    each = busiest.cpu_a_request
    if not each > 0:
        return Finding.unseen("Not observed: no request was answered.", "nano-full")
    return Finding(
        round(share / each, 1),
        "req/s fill the nano",
        f"{busiest.process}: {each * 1000:.3f} ms of CPU a request ({busiest.cpu_s:.2f} s for "
        f"{busiest.requests:,.0f}), of a share of {share:g} of one core of this machine ({machine}): a tenth "
        f"of another core is another figure.",
        {"full": share / each},
        "nano-full",
    )
