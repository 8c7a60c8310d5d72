"""What telemetry costs with its database in trouble: `python -m bench.telemetry_outage STATE [--sink NAME]`.

The engine at 500 requests a second against the recorder, in interleaved pairs, with and without an exporter
whose database is in one state for the whole run:

    well      takes points              full      answers 503 to each write
    killed    nobody listens            slow      takes points, 5 s a write

CPU seconds per request, of the engine and of the exporter together, and the start delay of both.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from bench.tables import machine
from bench.telemetry_cost import Cost, summary
from telemetry.exporter.sinks import PREFIXES
from telemetry.influx.local_influx import LocalInflux
from tests.support.influx.fault_proxy import FaultProxy
from tests.support.otlp.receiver import OtlpReceiver
from tests.support.prometheus.server import WRITE, LocalPrometheus
from tests.support.recorder.attack import Plan, attack
from tests.support.recorder.handle import recorder

PLAN: Final = Plan(accounts=100, rate=5.0, seconds=20.0)
ANSWER: Final = 0.1  # seconds
STATES: Final = ("well", "killed", "full", "slow")
SLOW: Final = 5.0  # seconds a write


class Measured(NamedTuple):
    """One run: CPU seconds per request, start delay p50, p99 and max in ms."""

    cost: Cost
    delay: tuple[float, float, float]


@dataclass(frozen=True)
class Pair:
    """The same attack without and with telemetry."""

    off: Measured
    on: Measured


Server = tuple[LocalInflux | LocalPrometheus | OtlpReceiver, str, str]


def influx(folder: Path) -> Server:
    """A server, the variable of its URL, and the path there."""
    return LocalInflux(folder), "INFLUXDB_V2_URL", ""


def prometheus(folder: Path) -> Server:
    """The same."""
    return LocalPrometheus(folder), "PROMETHEUS_REMOTE_WRITE_URL", WRITE


def otlp(folder: Path) -> Server:
    """The same; it lives in this process."""
    return OtlpReceiver(), "OTEL_EXPORTER_OTLP_ENDPOINT", ""


SINKS: Final[dict[str, Callable[[Path], Server]]] = {
    "influxdb": influx, "prometheus": prometheus, "otlp": otlp,
}  # fmt: skip


@contextlib.contextmanager
def database(sink: str, state: str, folder: Path) -> Iterator[dict[str, str]]:
    """The variables of a database in that state."""
    server, variable, path = SINKS[sink](folder)
    server.start()
    proxy = FaultProxy(server.port)
    try:
        env = {**server.env, variable: proxy.url + path, "RESILIENCE_SPOOL": f"{folder}/spool"}
        if state == "killed":
            env[variable] = server.url + path
            server.stop()
        proxy.status = 503 if state == "full" else 0
        proxy.delay = SLOW if state == "slow" else 0.0
        yield env
    finally:
        proxy.close()
        server.stop()


def run(env: Mapping[str, str], tries: int = 3) -> Measured:
    """One attack; an invalid one is repeated, for the machine stood still. RuntimeError at the last try."""
    try:
        return once(env)
    except RuntimeError as error:
        if tries == 1:
            raise
        print(f"repeated: {error}", file=sys.stderr)
        return run(env, tries - 1)


def once(env: Mapping[str, str]) -> Measured:
    """One attack. RuntimeError if it is invalid."""
    with recorder(ANSWER) as server, tempfile.TemporaryDirectory(prefix="bench-") as name:
        with attack(PLAN, server.base_url, Path(name), env=env) as running:
            found = running.wait()
            if running.exit_code != 0:
                raise RuntimeError(f"the run ended with {running.exit_code}: {invalid(running.console)}")
        sent = found.arrivals["sent"]
        counts = found.folder / "telemetry.json"
        exporter = json.loads(counts.read_text())["cpu_s"] if counts.exists() else 0.0
        delay = found.arrivals["start_delay_ms"]
        cost = Cost(float(found.ledger[-1]["cpu_s"]) / sent, exporter / sent)
        return Measured(cost, (delay["p50"], delay["p99"], delay["max"]))


def invalid(console: str) -> str:
    """Why a run does not count, out of what it said."""
    return next((line for line in console.splitlines() if line.startswith("INVALID")), console[-2000:])


def measure(sink: str, state: str, pairs: int) -> Iterator[Pair]:
    """Pair after pair; which of the two comes first alternates."""
    off = {key: value for key, value in os.environ.items() if not key.startswith(PREFIXES)}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, database(sink, state, Path(folder)) as env:
        on = {**off, **env}
        for number in range(pairs):
            if number % 2:
                without = run(off)
                yield Pair(without, run(on))
            else:
                with_it = run(on)
                yield Pair(run(off), with_it)


def delays(found: list[Pair]) -> str:
    """The start delay of both sides, the median over the runs."""
    sides = ((pair.off.delay for pair in found), (pair.on.delay for pair in found))
    off, on = (" / ".join(f"{value:.2f}" for value in np.median(list(side), axis=0)) for side in sides)
    return f"Start delay p50 / p99 / max, ms, median of the runs: {off} without, {on} with telemetry."


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.telemetry_outage", description=__doc__)
    parser.add_argument("state", choices=STATES)
    parser.add_argument("--sink", choices=SINKS, default="influxdb")
    parser.add_argument("--pairs", type=int, default=8)
    options = parser.parse_args()
    try:
        found = list(measure(options.sink, options.state, options.pairs))
    except RuntimeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 3
    print(
        f"{machine()}. {options.sink} {options.state}, {PLAN.per_second:g} requests/s for {PLAN.seconds:g} s."
    )
    print(f"{summary([(pair.off.cost, pair.on.cost) for pair in found])}\n{delays(found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
