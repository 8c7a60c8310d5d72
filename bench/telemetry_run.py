"""The engine at full speed into a whole run folder.

    python -m bench.telemetry_run URL SECONDS FOLDER CONNECTIONS

As `bench.engine_full_speed`, and the ledger is written too, so that an exporter can follow the folder.
"""

from __future__ import annotations

import gevent.monkey

gevent.monkey.patch_all()

import json  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from itertools import count, repeat  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402

from bench.engine_full_speed import Looper, job  # noqa: E402
from bench.nginx import REQUEST_ID  # noqa: E402
from telemetry.recording import journal  # noqa: E402
from telemetry.recording.sample import REASONS  # noqa: E402
from telemetry.run_folder import manifest  # noqa: E402
from telemetry.run_folder.machine import machine  # noqa: E402
from users.engine.engine import Engine, Outlets  # noqa: E402
from users.personas.persona import NoOptions, persona  # noqa: E402


def main() -> None:
    url, seconds, name, connections = sys.argv[1:]
    folder = Path(name)
    persona("bench-loop", NoOptions)(Looper)
    files = journal.WorkerJournal(folder, "bench")
    numbers = count(1)

    def put(kind: str, data: Any) -> None:
        files.take(next(numbers), kind, data)

    outlets = Outlets(
        [lambda chunk: put(journal.SAMPLES, chunk)],
        lambda line: put(journal.LEDGER, line),
        lambda names: None,
    )
    engine = Engine(job(url, int(connections)), outlets)
    engine._ids = repeat(REQUEST_ID)  # type: ignore[assignment]
    began, cpu = time.monotonic(), time.process_time()
    about = manifest.Manifest(
        schema_version=manifest.SCHEMA_VERSION, run=folder.name, reasons=REASONS, machine=machine(),
        version="", scenario={"name": "bench"}, target={"name": "nginx"}, bundled=True, protections=(),
        seed=0, start_wall=time.time(), start_monotonic=began, duration_s=float(seconds),
        tools=("fast.echo",), groups=(),
    )  # fmt: skip
    manifest.write(folder, about)
    engine.take_share(0, 1, began, 0.0)
    ends = began + float(seconds)
    while time.monotonic() < ends:  # the schedule is empty, so the engine's own ledger has ended
        gevent.sleep(1.0)
        engine.flush()
        outlets.ledger(engine.line())
    figures = {"requests": engine.ledger.ok, "cpu_s": time.process_time() - cpu}
    engine.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
