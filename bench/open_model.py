"""Each tool at a fixed rate against slow answers: `RATE` requests/s, `ANSWER` seconds an answer."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.arrival_times import Delays, delays
from bench.engine_open_model import engine
from bench.processes import installed, run
from bench.request import vegeta_target
from common.paths import ROOT
from tests.support.recorder.handle import recorder

RATE: Final = 500
ANSWER: Final = 3.0


@dataclass(frozen=True)
class Open:
    """What one tool did at a fixed rate, as the recorder saw it."""

    arrived: int
    rate: float  # arrivals per second of the load's duration
    in_flight: int  # the most that the recorder had unanswered
    cpu_s: float  # of the client process alone
    delays: Delays

    @property
    def cpu_per_1000(self) -> float:
        return self.cpu_s / self.arrived * 1000


Driver = Callable[[str, int, float, Path], float]
"""(URL, rate, seconds, folder) → CPU seconds of the client; returns after the last answer."""


def vegeta(url: str, rate: int, seconds: float, folder: Path) -> float:
    target, results = vegeta_target(url, folder), folder / "vegeta.bin"
    command = [
        "vegeta", "attack", f"-rate={rate}/s", f"-duration={seconds}s", "-timeout=35s",
        f"-targets={target}", f"-output={results}",
    ]  # fmt: skip
    return run(command, seconds).cpu_s


def stock(url: str, rate: int, seconds: float, folder: Path) -> float:
    command = [sys.executable, "-m", "bench.stock_open_model", url, str(rate), str(seconds)]
    return float(json.loads(run(command, seconds, ROOT).output.splitlines()[-1])["cpu_s"])


def measure(driver: Driver, seconds: float) -> Open:
    """One run of one tool against a fresh recorder."""
    with recorder(ANSWER) as server, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        cpu_s = driver(server.base_url, RATE, seconds, Path(folder))
        arrived = server.recording().only("tools/call").rows
    times, peak = arrived["arrived"], int(arrived["in_flight"].max())
    return Open(len(times), len(times) / seconds, peak, cpu_s, delays(times, RATE))


DRIVERS: Final[dict[str, Driver]] = {
    "engine": engine,
    **({"vegeta": vegeta} if installed("vegeta") else {}),
    "stock FastHttpUser": stock,
}
