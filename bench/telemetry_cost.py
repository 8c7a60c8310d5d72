"""What telemetry costs: `python -m bench.telemetry_cost [--pairs 10] [--seconds 4]`.

The engine at full speed against nginx, with and without an exporter that follows it into a real InfluxDB, in
interleaved pairs. Cost: CPU seconds per request, of the engine and of the exporter together (from when it was
ready: starting it is over before load starts); the database's own CPU is the database's.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from bench import processes
from bench.nginx import nginx
from bench.peers import CONNECTIONS
from bench.tables import machine
from common.paths import ROOT
from telemetry.exporter import process as exporter_process
from telemetry.influx.local_influx import LocalInflux


@dataclass(frozen=True)
class Cost:
    """CPU seconds per request."""

    engine: float
    exporter: float = 0.0

    @property
    def whole(self) -> float:
        return self.engine + self.exporter


def run(url: str, seconds: float, env: dict[str, str]) -> Cost:
    """One run; with an exporter if `env` switches telemetry on."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        handle = exporter_process.start(folder, env)
        command = [sys.executable, "-m", "bench.telemetry_run", url, str(seconds), name, str(CONNECTIONS)]
        said = json.loads(processes.run(command, seconds, ROOT).output)
        engine = said["cpu_s"] / said["requests"]
        if handle is None:
            return Cost(engine)
        counts = handle.finish(30)
        if counts["spooled"] or counts["dropped"]:
            raise RuntimeError(f"telemetry did not keep up: {counts}")
        return Cost(engine, json.loads((folder / "telemetry.json").read_text())["cpu_s"] / said["requests"])


def measure(pairs: int, seconds: float) -> list[tuple[Cost, Cost]]:
    """(off, on) of each pair; which comes first alternates."""
    found = []
    with nginx() as server, tempfile.TemporaryDirectory(prefix="bench-influx-") as folder:
        influx = LocalInflux(Path(folder))
        influx.start()
        off = {key: value for key, value in os.environ.items() if not key.startswith("INFLUXDB_V2")}
        on = {**off, **influx.env, "RESILIENCE_SPOOL": f"{folder}/spool"}
        try:
            for number in range(pairs):
                order = (off, on) if number % 2 else (on, off)
                costs = {id(env): run(server.url, seconds, env) for env in order}
                found.append((costs[id(off)], costs[id(on)]))
        finally:
            influx.stop()
    return found


def summary(pairs: list[tuple[Cost, Cost]]) -> str:
    """The extra cost in per cent: mean, and the upper end of its one-sided 95 % interval (Student's t)."""
    extra = np.array([on.whole / off.whole - 1 for off, on in pairs]) * 100
    own = np.array([on.exporter / on.engine for _, on in pairs]) * 100
    mean = float(extra.mean())
    upper = mean + float(stats.t.ppf(0.95, extra.size - 1)) * float(extra.std(ddof=1)) / extra.size**0.5
    each = ", ".join(f"{value:+.1f}" for value in extra)
    off_us, on_us = (float(np.mean([one[side].whole for one in pairs])) * 1e6 for side in (0, 1))
    return (
        f"{machine()}. {len(pairs)} interleaved pairs.\n"
        f"CPU per request: {off_us:.2f} µs without, {on_us:.2f} µs with telemetry: {mean:+.1f} %, "
        f"95 % upper bound {upper:+.1f} %; the exporter's own share {own.mean():.1f} %.\nEach pair, %: {each}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.telemetry_cost", description=__doc__)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    try:
        print(summary(measure(options.pairs, options.seconds)))
    except RuntimeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
