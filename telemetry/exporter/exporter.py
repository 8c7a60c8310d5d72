"""A run folder on its way to every sink, pass after pass; what became of its points is in `telemetry.json`.

{"written","spooled","dropped","replayed","cpu_s","finished","sinks"}: points acknowledged, still on disk,
given up, of earlier runs, over all sinks and of each; `cpu_s` is the process's own since it was ready.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from common.files.atomic_write import write_whole
from telemetry.delivery.outlet import Outlet
from telemetry.delivery.sink import Sink
from telemetry.exporter.spool_settings import max_bytes, spool_root
from telemetry.points.export import Export
from telemetry.points.point import DataPoint
from telemetry.run_folder import manifest

EVERY: Final = 2.0  # seconds between passes: a pass costs some 3 ms of CPU, whatever it brings
SOON: Final = 0.1  # seconds between looks for a manifest that is not there yet
COUNTS: Final = "telemetry.json"
SUMMED: Final = ("written", "spooled", "dropped", "replayed")
Command = Callable[[float], float | None]


class Exporter:
    """One run folder, and an outlet for each sink."""

    def __init__(
        self, run_dir: Path, sinks: Iterable[Sink], env: Mapping[str, str], counts: str = COUNTS
    ) -> None:
        self._counts_file = run_dir / counts
        queue = f"{run_dir.name}-{os.getpid()}"
        self._outlets = [Outlet(sink, spool_root(env), queue, _say, max_bytes(env)) for sink in sinks]
        self._cpu_before = time.process_time()
        self.count(finished=False)
        for outlet in self._outlets:
            outlet.start()

    def put(self, points: list[DataPoint]) -> None:
        """Spool points and have them sent."""
        for outlet in self._outlets:
            outlet.put(points)

    def finish(self, seconds: float) -> dict[str, Any]:
        """Send for at most `seconds`; give and write the counts."""
        for outlet in self._outlets:
            outlet.end(seconds)
        for outlet in self._outlets:
            outlet.join()
        return self.count(finished=True)

    def close(self) -> None:
        """Give the queues up."""
        for outlet in self._outlets:
            outlet.close()

    def count(self, *, finished: bool) -> dict[str, Any]:
        """Give and write the counts: of each sink, and summed up."""
        sinks = [outlet.counts() for outlet in self._outlets]
        counts = {
            **{name: sum(one[name] for one in sinks) for name in SUMMED},
            "finished": finished,
            "cpu_s": round(time.process_time() - self._cpu_before, 3),
            "sinks": sinks,
        }
        write_whole(self._counts_file, json.dumps(counts, indent=1))
        return counts


def follow(run_dir: Path, exporter: Exporter, command: Command) -> dict[str, Any]:
    """Pass after pass until `command` (waits so long, seconds) gives the seconds left for sending."""
    export: Export | None = None
    while (seconds := command(EVERY if export else SOON)) is None:
        if export is None and (run_dir / manifest.FILE).exists():
            export = Export(run_dir, manifest.read(run_dir))
        if export is not None:
            exporter.put(export.read())
            exporter.count(finished=False)
    if (run_dir / manifest.FILE).exists():
        exporter.put((export or Export(run_dir, manifest.read(run_dir))).finish())
    return exporter.finish(seconds)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        print(f"telemetry: {text}", file=sys.stderr, flush=True)
