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
from bench.request import K6, OHA, PATH, header_words, k6_script, vegeta_target
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


def k6(url: str, rate: int, seconds: float, folder: Path) -> float:
    """`constant-arrival-rate`, with a virtual user for each call in flight, all made before load."""
    arrivals = {
        "executor": "constant-arrival-rate", "rate": rate, "timeUnit": "1s", "duration": f"{seconds}s",
        "preAllocatedVUs": _most_in_flight(rate), "gracefulStop": "30s",
    }  # fmt: skip
    return run([*K6, str(k6_script(url, folder, arrivals))], seconds).cpu_s


def oha(url: str, rate: int, seconds: float, folder: Path) -> float:
    """`-q`, with a connection for each call in flight; by number of requests, so that it awaits the last."""
    words = ["-q", str(rate), "-n", str(round(rate * seconds)), "-c", str(_most_in_flight(rate))]
    return run([*OHA, *words, *header_words(), url + PATH], seconds).cpu_s


def _most_in_flight(rate: int) -> int:
    return round(rate * ANSWER * 1.2)


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
    **{tool.__name__: tool for tool in (vegeta, k6, oha) if installed(tool.__name__)},
    "stock FastHttpUser": stock,
}
