"""The figures as Markdown tables, at the terminal and kept in docs/benchmarks.md."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from bench.open_model import ANSWER, RATE, Open
from bench.peers import CONNECTIONS, Speed
from common.paths import ROOT
from telemetry.run_folder import machine as load_machine

PAGE: Final = ROOT / "docs" / "benchmarks.md"
STOCK: Final = "stock FastHttpUser"


def machine() -> str:
    """Date, processor, cores, memory, kernel and Python, in one line."""
    here = load_machine.machine()
    return ", ".join(
        (
            f"{dt.date.today():%Y-%m-%d}",
            here.cpu,
            f"{here.cores} cores",
            f"{here.memory_bytes / 2**30:.0f} GiB",
            f"Linux {here.kernel}",
            f"Python {here.python}",
        )
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines)


def speed_table(runs: Mapping[str, Sequence[Speed]]) -> str:
    """Requests per CPU second: median and range of the runs, and how that compares to stock Locust."""
    rates = {tool: [run.per_cpu_second for run in of] for tool, of in runs.items()}
    stock = median(rates[STOCK]) if STOCK in rates else float("nan")
    rows = [
        (
            tool,
            f"{median(of):,.0f}",
            f"{min(of):,.0f}–{max(of):,.0f}",
            f"{median(of) / stock:.1f}",
            f"{median(run.requests / run.wall_s for run in runs[tool]):,.0f}",
        )
        for tool, of in sorted(rates.items(), key=lambda item: -median(item[1]))
    ]
    repeats = max(map(len, runs.values()))
    head = ("tool", "requests per CPU second", "range", "× stock", "requests/s")
    return f"{machine()}. {CONNECTIONS} connections, {repeats} runs each, interleaved; median.\n\n" + table(
        head, rows
    )


def open_table(runs: Mapping[str, Sequence[Open]]) -> str:
    """A fixed rate against slow answers: what arrived, its delay, what it cost; medians, worst maximum."""
    rows = [
        (
            tool,
            f"{median(run.arrived for run in of):,.0f}",
            f"{median(run.rate for run in of):.1f}",
            f"{median(run.in_flight for run in of):,.0f}",
            f"{median(run.cpu_per_1000 for run in of):.3f}",
            *(
                (
                    f"{median(run.delays.p50 for run in of):.2f}",
                    f"{median(run.delays.p99 for run in of):.2f}",
                    f"{max(run.delays.max for run in of):.1f}",
                )
                if tool != STOCK  # it never follows the schedule, so a delay against it says nothing
                else ("–", "–", "–")
            ),
        )
        for tool, of in runs.items()
    ]
    head = (
        "tool", "arrived", "arrivals/s", "peak in flight", "CPU s per 1,000",
        "start delay p50 ms", "p99 ms", "max ms",
    )  # fmt: skip
    repeats = max(map(len, runs.values()))
    return (
        f"{machine()}. {RATE} requests/s wished, {ANSWER:g} s answers, {repeats} runs each, interleaved; "
        "median, but the worst maximum.\n\n" + table(head, rows)
    )


def write(section: str, text: str, file: Path | None = None) -> None:
    """Replace one section of docs/benchmarks.md, or of `file`: it stands between comments with its name."""
    file = file or PAGE
    page = file.read_text()
    start, end = f"<!-- {section} -->", f"<!-- /{section} -->"
    before, found, rest = page.partition(start)
    if not found or end not in rest:
        raise RuntimeError(f"{file} has no section {section}")
    file.write_text(f"{before}{start}\n{text}\n{end}{rest.partition(end)[2]}")
