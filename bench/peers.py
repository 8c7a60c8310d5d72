"""The other load generators at full speed: each a function from URL, seconds and folder to a `Speed`."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.processes import installed, run
from bench.request import (
    BODY,
    K6,
    K6_SUMMARY,
    OHA,
    PATH,
    header_words,
    k6_script,
    vegeta_target,
    wrk_script,
)
from common.paths import ROOT

CONNECTIONS: Final = 50


@dataclass(frozen=True)
class Speed:
    """What one full-speed run did."""

    requests: int  # answered with status 200
    cpu_s: float  # of the client process alone
    wall_s: float

    @property
    def per_cpu_second(self) -> float:
        return self.requests / self.cpu_s


def vegeta(url: str, seconds: float, folder: Path) -> Speed:
    """`-rate=0`: as fast as its workers go; its results go to a file, as samples do."""
    target, results = vegeta_target(url, folder), folder / "vegeta.bin"
    done = run(
        [
            "vegeta", "attack", "-rate=0", f"-max-workers={CONNECTIONS}", f"-connections={CONNECTIONS}",
            f"-duration={seconds}s", f"-targets={target}", f"-output={results}",
        ],
        seconds,
    )  # fmt: skip
    report = json.loads(run(["vegeta", "report", "-type=json", str(results)], 60).output)
    return Speed(report["status_codes"].get("200", 0), done.cpu_s, done.wall_s)


def hey(url: str, seconds: float, folder: Path) -> Speed:
    words = ["-z", f"{seconds}s", "-c", str(CONNECTIONS), "-m", "POST", "-d", BODY, *header_words()]
    done = run(["hey", *words, url + PATH], seconds)
    found = re.search(r"\[200\]\s+(\d+) responses", done.output)
    return Speed(int(found[1]) if found else 0, done.cpu_s, done.wall_s)


def wrk(url: str, seconds: float, folder: Path) -> Speed:
    """It takes whole seconds only."""
    script = wrk_script(folder)
    done = run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{math.ceil(seconds)}s", "-s", str(script), url + PATH],
        seconds,
    )
    found = re.search(r"(\d+) requests in", done.output)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", done.output)
    return Speed(int(found[1]) - int(refused[1] if refused else 0) if found else 0, done.cpu_s, done.wall_s)


def k6(url: str, seconds: float, folder: Path) -> Speed:
    """Its virtual users without any wait between calls; bodies are thrown away, as its manual advises."""
    users = {"executor": "constant-vus", "vus": CONNECTIONS, "duration": f"{seconds}s", "gracefulStop": "5s"}
    done = run([*K6, str(k6_script(url, folder, users))], seconds)
    metrics = json.loads((folder / K6_SUMMARY).read_text())["metrics"]
    refused = metrics["http_req_failed"]["values"]["passes"]  # how often it is true that one failed
    return Speed(metrics["http_reqs"]["values"]["count"] - refused, done.cpu_s, done.wall_s)


def oha(url: str, seconds: float, folder: Path) -> Speed:
    """What is under way at the end it cuts off, and counts as an error."""
    words = ["-z", f"{round(seconds * 1000)}ms", "-c", str(CONNECTIONS), *header_words()]
    done = run([*OHA, *words, url + PATH], seconds)
    answered = json.loads(done.output)["statusCodeDistribution"].get("200", 0)
    return Speed(answered, done.cpu_s, done.wall_s)


def python_driver(module: str) -> Callable[[str, float, Path], Speed]:
    """A driver of ours in its own process, which prints a line of JSON with a Speed's fields.

    It counts its own CPU from the first request on: importing Locust is no part of load.
    """

    def measure(url: str, seconds: float, folder: Path) -> Speed:
        command = [sys.executable, "-m", module, url, str(seconds), str(folder), str(CONNECTIONS)]
        return Speed(**json.loads(run(command, seconds, ROOT).output.splitlines()[-1]))

    return measure


TOOLS: Final[dict[str, Callable[[str, float, Path], Speed]]] = {
    "engine": python_driver("bench.engine_full_speed"),
    "stock FastHttpUser": python_driver("bench.stock_full_speed"),
    **{tool.__name__: tool for tool in (vegeta, hey, wrk, k6, oha) if installed(tool.__name__)},
}
