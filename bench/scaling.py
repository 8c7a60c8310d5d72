"""Whole distributed attacks: what a worker bears, what its master has to hear, what either costs.

Master and workers are processes of this machine, on loopback, and share its cores with the server: nginx for
throughput and messages, the recording server of the tests where answers are slow.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
import yaml

from bench.nginx import nginx
from bench.processes import GRACE
from bench.request import TOKEN
from cli.launch.local_workers import free_port
from common.paths import ROOT
from tests.support.recorder.handle import recorder

ACCOUNTS: Final = 200
LOCUSTFILE: Final = "bench/scaling_locustfile.py"
LOCUST: Final = (sys.executable, "-m", "locust", "-f", LOCUSTFILE)


@dataclass(frozen=True)
class MeasuredAttack:
    """So many workers, together `rate` requests a second, for `seconds`."""

    workers: int
    rate: int
    seconds: float = 10.0


@dataclass(frozen=True)
class Scaled:
    """What one attack did: CPU in cores and figures per second while load was sent; memory in bytes."""

    attack: MeasuredAttack
    valid: bool
    arrivals: Mapping[str, Any]
    in_flight: int
    worker_cpu: float  # all workers
    worker_memory: int  # the largest
    master_cpu: float
    messages_in: float
    messages_out: float
    bytes_in: float
    bytes_out: float


def fast(attack: MeasuredAttack) -> Scaled:
    """Against nginx, which answers at once."""
    with nginx() as server:
        return _measure(attack, server.url, {})


def best(attack: MeasuredAttack, repeats: int) -> Scaled:
    """The run of several with the fewest late and dropped arrivals: what the machine can do, left alone."""
    runs = [fast(attack) for _ in range(repeats)]
    return min(runs, key=lambda run: int(run.arrivals["late"] + run.arrivals["dropped"]))


def slow(attack: MeasuredAttack, answer: float) -> Scaled:
    """Against the recording server, which answers after so many seconds."""
    with recorder(answer) as server:
        return _measure(attack, server.base_url, {"BENCH_ANY_ID": "1"})


def _measure(attack: MeasuredAttack, url: str, env: Mapping[str, str]) -> Scaled:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        options = ["--scenario", _scenario(folder, attack), "--target", _target(folder, url)]
        port = str(free_port())
        environment = {**os.environ, "BENCH_METER": str(folder / "meter.jsonl"), **env}
        with _workers(attack.workers, port, environment) as workers:
            master = subprocess.Popen(
                [*LOCUST, "--headless", "--master", "--master-bind-port", port, "--expect-workers",
                 str(attack.workers), "--out", str(folder / "run"), *options],
                cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            memory = _largest(workers, master, attack.seconds + 2 * GRACE)
            said = master.communicate()[0].decode()
        if master.returncode not in (0, 3) or not (folder / "run" / "verdicts.json").exists():
            raise RuntimeError(f"the attack ended with {master.returncode}: {said[-2000:]}")
        return _read(attack, folder, memory)


def _scenario(folder: Path, attack: MeasuredAttack) -> str:
    file = folder / "attack.yaml"
    content = {
        "title": "An attack of a bench",
        "duration": attack.seconds,
        "accounts": {"count": ACCOUNTS, "ips": "per-account"},
        "rate": attack.rate / ACCOUNTS,
        "tools": [{"module": "fast", "tool": "echo", "params": {"text": "bench"}}],
    }
    file.write_text(yaml.safe_dump(content))
    return str(file)


def _target(folder: Path, url: str) -> str:
    file = folder / "target.yaml"
    headers = {"Authorization": TOKEN}
    content = {"name": "bench", "base_url": url, "headers": headers, "client_ip_header": "CF-Connecting-IP"}
    file.write_text(yaml.safe_dump(content))
    return str(file)


@contextmanager
def _workers(
    count: int, port: str, environment: Mapping[str, str]
) -> Iterator[list[subprocess.Popen[bytes]]]:
    command = [*LOCUST, "--worker", "--master-port", port, "--loglevel", "WARNING"]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(count):
            started.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL))
        yield started
    finally:
        for worker in started:
            worker.terminate()
        for worker in started:
            worker.wait(GRACE)


def _largest(
    workers: Sequence[subprocess.Popen[bytes]], master: subprocess.Popen[bytes], limit: float
) -> int:
    """The most memory that one worker had while the master ran, which is killed after `limit` seconds."""
    most, until = 0, time.monotonic() + limit
    while time.monotonic() < until:
        for worker in workers:
            if worker.poll() is None:
                most = max(most, psutil.Process(worker.pid).memory_info().rss)
        try:
            master.wait(0.5)
            return most
        except subprocess.TimeoutExpired:
            continue
    master.kill()
    return most


def _read(attack: MeasuredAttack, folder: Path, memory: int) -> Scaled:
    run = folder / "run"
    verdicts, manifest = (json.loads((run / name).read_text()) for name in ("verdicts.json", "run.json"))
    start = float(manifest["start_monotonic"])
    meter = [json.loads(line) for line in (folder / "meter.jsonl").read_text().splitlines()]
    first, *_, last = [line for line in meter if 0 <= line["t"] - start <= attack.seconds]
    seconds = last["t"] - first["t"]
    return Scaled(
        attack,
        valid=verdicts["verdict"] != "invalid",
        arrivals=verdicts["arrivals"],
        in_flight=verdicts["peak_in_flight"],
        worker_cpu=sum(_cpu(file, attack.seconds) for file in run.glob("ledger-*.jsonl")),
        worker_memory=memory,
        master_cpu=(last["cpu"] - first["cpu"]) / seconds,
        messages_in=(last["messages"]["in"] - first["messages"]["in"]) / seconds,
        messages_out=(last["messages"]["out"] - first["messages"]["out"]) / seconds,
        bytes_in=(last["bytes"]["in"] - first["bytes"]["in"]) / seconds,
        bytes_out=(last["bytes"]["out"] - first["bytes"]["out"]) / seconds,
    )


def _cpu(ledger: Path, seconds: float) -> float:
    """A worker's cores while load was sent."""
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    first, *_, last = [line for line in lines if 0 <= line["t"] <= seconds]
    return float((last["cpu_s"] - first["cpu_s"]) / (last["t"] - first["t"]))


@dataclass(frozen=True)
class Formula:
    """What a master hears and spends: `fixed` + `worker` × workers + `request` × requests a second."""

    fixed: float
    worker: float
    request: float

    def __call__(self, workers: float, rate: float) -> float:
        return self.fixed + self.worker * workers + self.request * rate


def fit(runs: Sequence[Scaled], what: str, *, fixed: bool = False) -> Formula:
    """The formula that lies nearest to the runs (least squares, in relation to each value)."""
    values = np.array([getattr(run, what) for run in runs])
    columns = np.array([[float(fixed), run.attack.workers, run.attack.rate] for run in runs])
    found = np.linalg.lstsq(columns / values[:, None], np.ones(len(values)), rcond=None)[0]
    return Formula(*map(float, found))
