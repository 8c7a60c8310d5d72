"""The figures of `bench.scaling` as Markdown: throughput, calls in flight, the master's side, its formula."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.scaling import Formula, Scaled, fit
from bench.tables import machine, table

FUTURE: Final = ((100, 100), (100, 1000), (1000, 100), (1000, 1000))
"""(workers, requests a second of each) that the formula is asked for."""


def throughput_table(runs: Sequence[Scaled], repeats: int) -> str:
    """How much one and two workers send on this machine."""
    head = (
        "workers", "requests/s wished", "sent/s", "late %", "start delay p99 ms", "counts",
        "workers' CPU, cores", "CPU s per 1,000", "master's CPU, cores", "messages/s at the master",
    )  # fmt: skip
    rows = [
        (
            str(run.attack.workers),
            f"{run.attack.rate:,}",
            f"{run.arrivals['sent'] / run.attack.seconds:,.0f}",
            f"{100 * run.arrivals['late'] / run.arrivals['sent']:.2f}",
            f"{run.arrivals['start_delay_ms']['p99']:.1f}",
            "yes" if run.valid else "no",
            f"{run.worker_cpu:.2f}",
            f"{run.worker_cpu / run.attack.rate * 1000:.3f}",
            f"{run.master_cpu:.3f}",
            f"{run.messages_in + run.messages_out:.1f}",
        )
        for run in runs
    ]
    how = f"{runs[0].attack.seconds:g} s of load each; of {repeats} runs the one with the fewest late."
    return f"{machine()}. {how}\n\n{table(head, rows)}"


def in_flight_table(runs: Sequence[tuple[float, Scaled]]) -> str:
    """One worker and slow answers."""
    head = (
        "requests/s",
        "answer s",
        "most in flight",
        "late %",
        "worker's CPU, cores",
        "worker's memory MiB",
    )
    rows = [
        (
            f"{run.attack.rate:,}",
            f"{answer:g}",
            f"{run.in_flight:,}",
            f"{100 * run.arrivals['late'] / run.arrivals['sent']:.2f}",
            f"{run.worker_cpu:.2f}",
            f"{run.worker_memory / 2**20:.0f}",
        )
        for answer, run in runs
    ]
    return f"{machine()}. One worker, one run each.\n\n{table(head, rows)}"


def messages_table(runs: Sequence[Scaled]) -> str:
    """What the master heard and said, the formulas that follow, and what they say of many workers."""
    head = (
        "workers", "requests/s", "messages/s in", "out", "in per worker", "kB/s in", "kB/s out",
        "master's CPU, cores",
    )  # fmt: skip
    rows = [
        (
            str(run.attack.workers),
            f"{run.attack.rate:,}",
            f"{run.messages_in:.1f}",
            f"{run.messages_out:.1f}",
            f"{run.messages_in / run.attack.workers:.2f}",
            f"{run.bytes_in / 1000:.1f}",
            f"{run.bytes_out / 1000:.2f}",
            f"{run.master_cpu:.4f}",
        )
        for run in runs
    ]
    measured = f"{machine()}. Measured, {runs[0].attack.seconds:g} s of load each, one run each."
    return f"{measured}\n\n{table(head, rows)}\n\n{_formulas(runs)}"


def _formulas(runs: Sequence[Scaled]) -> str:
    messages, size = fit(runs, "messages_in"), fit(runs, "bytes_in")
    out, cpu = fit(runs, "messages_out"), fit(runs, "master_cpu", fixed=True)
    head = ("workers", "requests/s of each", "messages/s in", "out", "MB/s in", "master's CPU, cores")
    rows = [
        (
            f"{workers:,}", f"{rate:,}", f"{messages(workers, workers * rate):,.0f}",
            f"{out(workers, workers * rate):,.0f}", f"{size(workers, workers * rate) / 1e6:,.1f}",
            f"{cpu(workers, workers * rate):,.2f}",
        )
        for workers, rate in FUTURE
    ]  # fmt: skip
    lines = [
        f"- messages/s in = {messages.worker:.2f} n; out = {out.worker:.2f} n (the rate adds "
        f"{1000 * messages.request:.2f} and {1000 * out.request:.2f} per 1,000 requests)",
        f"- bytes/s in = {size.worker:,.0f} n + {size.request:.0f} r",
        f"- master's CPU, ms/s = {_ms(cpu)}",
    ]
    listed = "\n".join(lines)
    return (
        f"The formulas nearest to these rows, for n workers and r requests a second in all:\n\n{listed}\n\n"
        f"Computed by them, not measured:\n\n{table(head, rows)}"
    )


def _ms(cpu: Formula) -> str:
    return f"{1000 * cpu.fixed:.1f} + {1000 * cpu.worker:.2f} n + {1000 * cpu.request:.4f} r"
