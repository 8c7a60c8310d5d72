"""Runs for the history, made of arithmetic: figures about a level, with a spread of their own, and a step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from verdicts.history import store
from verdicts.history.entry import HistoryRun, RunFigure, SeriesKey

KEY: Final = SeriesKey(
    "burst",
    "60 s, 100 × 5 req/s (1f2e3d4c)",
    "burst-limit, ip-limit, jwks-cache, rate-limit, worker-cpu",
    "bundled",
    "Example CPU, 2 cores, 8 GiB",
)
START: Final = 1_764_000_000.0
DAY: Final = 86_400.0
FIGURES: Final = (
    RunFigure("delay", 0.004, "s", "lower", witness="the load engine", calls=30_000),
    RunFigure("p50", 0.024, "s", "lower", witness="the callers", calls=30_000),
    RunFigure("p95", 0.041, "s", "lower", witness="the callers", calls=30_000),
    RunFigure("p99", 0.093, "s", "lower", witness="the callers", calls=30_000),
    RunFigure("success", 1.0, "share", "higher", witness="the callers", calls=30_000),
    RunFigure("served", 500.0, "req/s", "higher", witness="the callers", calls=30_000),
    RunFigure("cpu", 2.0, "CPU s", "lower", witness="the processes", calls=30_000),
    RunFigure("P1.5", 500.0, "req/s at the origin", "", witness=""),
)
STEADY: Final = ("success", "served", "P1.5")  # what an open load fixes


def made(
    count: int,
    *,
    noise: float = 0.01,
    seed: int = 1,
    steps: Mapping[int, Mapping[str, float]] | None = None,
    key: SeriesKey = KEY,
) -> list[HistoryRun]:
    """Runs, one a day. `steps`: from this run on (counted from 0) figures are so many times as large."""
    random, factors = np.random.default_rng(seed), dict.fromkeys((one.id for one in FIGURES), 1.0)
    runs = []
    for number in range(count):
        for id, factor in ((steps or {}).get(number) or {}).items():
            factors[id] *= factor
        wobble = np.exp(noise * random.normal(size=len(FIGURES)))
        figures = tuple(
            one._replace(value=one.value * factors[one.id] * (1.0 if one.id in STEADY else float(by)))
            for one, by in zip(FIGURES, wobble, strict=True)
        )
        name, commit = f"run-{number:02d}", f"{0xA1B2C3D4E5F6 + 7_919_191 * number:012x}"
        runs.append(HistoryRun(name, START + DAY * number, key, "0.1.0", commit, "pass", figures=figures))
    return runs


def kept(folder: Path, runs: list[HistoryRun]) -> Path:
    """A history of these runs."""
    for run in runs:
        store.append(folder, run)
    return folder
