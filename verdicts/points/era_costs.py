"""M2.1: what a call costs in each era of MCP, at the edge: bytes and CPU, from its own counts."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from verdicts.points.point import BEFORE_1000_MAU, Finding, Value, point
from verdicts.run.reading import Run

UNSEEN: Final = "Not observed: the edge did not count both eras (edge.count_eras)"


class EraCost(NamedTuple):
    """One era: requests, and bytes and CPU seconds of one."""

    requests: float
    bytes: float
    cpu: float


@point(
    "M2.1",
    en="What does a call cost in each era of the protocol?",
    ja="プロトコルの各世代で1回の呼び出しのコストはいくらか",
    scenario="era-mix",
    when=BEFORE_1000_MAU,
    figures={
        "bytes_legacy": "bytes", "bytes_modern": "bytes", "cpu_legacy": "s", "cpu_modern": "s",
        "bytes_ratio": "", "cpu_ratio": "",
    },
    units={"× the legacy era's CPU at the edge": "倍(旧世代のedge CPU比)"},
)  # fmt: skip
def era_costs(run: Run) -> Finding:
    """Request bytes and edge CPU a call, modern against legacy."""
    legacy, modern = (_cost(run, era) for era in ("legacy", "modern"))
    if not (legacy.requests > 0 and modern.requests > 0):
        return Finding.unseen(f"{UNSEEN}.")
    cpu, size = modern.cpu / legacy.cpu if legacy.cpu else float("nan"), modern.bytes / legacy.bytes
    return Finding(
        None if np.isnan(cpu) else round(cpu, 3),
        "× the legacy era's CPU at the edge",
        f"Modern {modern.bytes:,.0f} bytes and {modern.cpu * 1e6:,.0f} µs a request, "
        f"legacy {legacy.bytes:,.0f} bytes and {legacy.cpu * 1e6:,.0f} µs.",
        {
            "bytes_legacy": legacy.bytes, "bytes_modern": modern.bytes, "bytes_ratio": size,
            "cpu_legacy": legacy.cpu, "cpu_modern": modern.cpu, "cpu_ratio": cpu,
        },
        rows=(_row("legacy", legacy), _row("modern", modern)),
    )  # fmt: skip


def _cost(run: Run, era: str) -> EraCost:
    requests, size, cpu = (
        run.target.sum(f"mcpist_era_{name}_total", "edge", era=era)
        for name in ("requests", "request_bytes", "cpu_seconds")
    )
    return EraCost(requests, size / requests, cpu / requests) if requests > 0 else EraCost(0.0, 0.0, 0.0)


def _row(era: str, cost: EraCost) -> dict[str, Value]:
    return {
        "era": era,
        "requests": round(cost.requests),
        "bytes a request": round(cost.bytes, 1),
        "edge CPU µs": round(cost.cpu * 1e6, 1),
    }
