"""A database that is away for a minute of an attack: `python -m bench.telemetry_away SINK [--away 60]`.

The engine at 500 requests a second against the recorder; the database is killed 5 s into it and started again
a minute later, 10 s before its end. Prints what was sent, what is stored, and what the exporter counted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from bench.tables import machine
from bench.telemetry_outage import ANSWER, SINKS
from telemetry.exporter.sinks import PREFIXES
from telemetry.influx.local_influx import LocalInflux
from tests.support.exporter_rig import flush
from tests.support.otlp.receiver import OtlpReceiver
from tests.support.prometheus.server import LocalPrometheus
from tests.support.recorder.attack import Plan, attack
from tests.support.recorder.handle import recorder

BEFORE: Final = 5.0  # seconds of load
AFTER: Final = 10.0
Database = LocalInflux | LocalPrometheus | OtlpReceiver


def stored(server: Database, run: str) -> float:
    """Calls that a database has of a run."""
    if isinstance(server, OtlpReceiver):
        return server.store.last("resilience.requests", run)
    if isinstance(server, LocalPrometheus):
        series = f'resilience_requests_total{{run="{run}"}}'
        return server.number(f"sum(last_over_time({series}[1h]))", time.time() + 300)
    (found,) = server.query(f'SELECT sum("count") FROM "requests" WHERE "run" = \'{run}\'')
    return float(found["values"][0][1])


def measure(server: Database, away: float, folder: Path) -> dict[str, Any]:
    """One attack: sent, stored, and the exporter's counts."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(PREFIXES)}
    env = {**clean, **server.env, "RESILIENCE_SPOOL": f"{folder}/spool"}
    plan, runs = Plan(accounts=100, rate=5.0, seconds=BEFORE + away + AFTER), folder / "runs"
    runs.mkdir()
    within = plan.seconds + 120
    with recorder(ANSWER) as target, attack(plan, target.base_url, runs, within, env) as running:
        running.wait_until(BEFORE)
        server.kill()
        time.sleep(away)
        server.start()
        found = running.wait()
    counts = json.loads((found.folder / "telemetry.json").read_text())
    if counts["spooled"]:
        print(flush(env, folder).stdout, file=sys.stderr)
    return {"sent": found.arrivals["sent"], "stored": stored(server, found.folder.name), **counts}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.telemetry_away", description=__doc__)
    parser.add_argument("sink", choices=SINKS)
    parser.add_argument("--away", type=float, default=60.0, help="seconds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        server, _, _ = SINKS[options.sink](Path(name) / "database")
        server.start()
        try:
            found = measure(server, options.away, Path(name))
        finally:
            server.stop()
    figures = ("sent", "stored", "written", "spooled", "dropped")
    told = ", ".join(f"{name} {found[name]:,.0f}" for name in figures)
    print(f"{machine()}. {options.sink}, away for {options.away:g} s: {told}.")
    return 0 if found["sent"] == found["stored"] else 1


if __name__ == "__main__":
    sys.exit(main())
