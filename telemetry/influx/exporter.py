"""The process that takes a run's facts to InfluxDB while the run goes on, off the load's path.

    python -m telemetry.influx.exporter --run results/x --follow     until told to end
    python -m telemetry.influx.exporter --run results/x              a run that is over, whole; safe to repeat
    python -m telemetry.influx.exporter --run results/x --verdict    its verdict alone

It reads the run folder as it grows (once `run.json` is there), makes points, spools each to disk and
sends it from there; counts stand in `telemetry.json` of the run folder: {"written","spooled","dropped",
"replayed","cpu_s","finished",…}: points acknowledged, still on disk, given up, of earlier runs; `cpu_s` is
the process's own since it was ready. Following ends by a line `finish SECONDS` or EOF on stdin, or by
SIGTERM: a final pass, then at most so many seconds of sending; the rest stays spooled for the next run or
`python -m telemetry.influx.flush`. SIGINT is left to the starter.
Exit codes: 0, also when points stay spooled; 2 for bad usage or variables; 3 when the folder cannot be read.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from common import exit_codes
from common.errors import ConfigError
from common.files.atomic_write import write_whole
from common.paths import RESULTS
from common.secrets.first_line import first_line
from telemetry.influx.client import TOKEN, Settings, Sink
from telemetry.influx.event_points import verdict_lines
from telemetry.influx.export import Export
from telemetry.influx.line_protocol import RunPoints
from telemetry.influx.sender import Sender
from telemetry.influx.spool import MAX_BYTES, Spool, abandoned
from telemetry.run_folder import manifest, verdict_file

EVERY: Final = 2.0  # seconds between passes: a pass costs some 3 ms of CPU, whatever it brings
SOON: Final = 0.1  # seconds between looks for a manifest that is not there yet
Command = Callable[[float], float | None]
FINISH: Final = 10.0  # seconds of sending at the end, unless told
NICE: Final = 10  # behind the load generator and the bundled stack
COUNTS: Final = "telemetry.json"
VERDICT_COUNTS: Final = "telemetry-verdict.json"
ROOT: Final = RESULTS / ".spool"
SPOOL: Final = "RESILIENCE_SPOOL"  # another folder for the spool
SPOOL_MB: Final = "RESILIENCE_SPOOL_MB"  # the most that one run may keep there
STDIN: Final = 0


def spool_root(env: Mapping[str, str]) -> Path:
    """Where all queues are."""
    return Path(env[SPOOL]) if env.get(SPOOL) else ROOT


class Exporter:
    """One run folder, its queue and its sender."""

    def __init__(
        self, run_dir: Path, settings: Settings, env: Mapping[str, str], counts: str = COUNTS
    ) -> None:
        self._counts_file = run_dir / counts
        self._settings = settings
        place = spool_root(env) / settings.place
        self._spool = Spool(place / f"{run_dir.name}-{os.getpid()}", _max_bytes(env))
        self._sink = Sink(settings)
        self._sender = Sender(self._sink, self._spool, abandoned(place), _say)
        self._cpu_before = time.process_time()
        self.count(finished=False)
        self._sender.start()

    def put(self, lines: list[str]) -> None:
        """Spool lines and have them sent."""
        if lines:
            self._spool.append(lines)
            self._sender.more()

    def finish(self, seconds: float) -> dict[str, Any]:
        """Send for at most `seconds`; give and write the counts."""
        self._sender.finish(seconds)
        return self.count(finished=True)

    def close(self) -> None:
        """Give the queue up."""
        self._spool.close()
        self._sink.close()

    def count(self, *, finished: bool) -> dict[str, Any]:
        """Give and write the counts."""
        counts = {
            "written": self._sender.written,
            "spooled": self._spool.points,
            "dropped": self._spool.dropped,
            "replayed": self._sender.replayed,
            "finished": finished,
            "bucket": self._settings.bucket,
            "url": self._settings.url,
            "queue": str(self._spool.folder),
            "last_error": self._sender.last_error,
            "cpu_s": round(time.process_time() - self._cpu_before, 3),
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


class Commands:
    """The starter's word: lines on stdin, its death (EOF), SIGTERM."""

    def __init__(self) -> None:
        self._wake, wake = os.pipe()
        signal.signal(signal.SIGTERM, lambda *_: os.write(wake, b"."))
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def __call__(self, seconds: float) -> float | None:
        """Wait so long for the end; None if it did not come."""
        ready, _, _ = select.select([STDIN, self._wake], [], [], seconds)
        if self._wake in ready:
            return FINISH
        if STDIN in ready:
            word, _, rest = os.read(STDIN, 4096).decode(errors="replace").partition(" ")
            with contextlib.suppress(ValueError):
                return float(rest) if word == "finish" else FINISH
        return None


def main(argv: list[str] | None = None) -> None:
    """Export one run."""
    options = _options(argv)
    try:
        settings = Settings.needed(_environment(options))
    except ConfigError as error:
        _leave(exit_codes.USAGE, str(error))
    os.nice(NICE)
    try:
        name = VERDICT_COUNTS if options.verdict else COUNTS
        counts = _export(options, Exporter(options.run, settings, os.environ, name))
    except (OSError, KeyError, ValueError) as error:
        _leave(exit_codes.OURS, f"telemetry: {options.run}: {error!r}")
    with contextlib.suppress(OSError):
        print(json.dumps(counts), flush=True)
    sys.stdout.flush()
    os._exit(0)  # a write that still hangs would hold the process; its points are on disk


def _export(options: argparse.Namespace, exporter: Exporter) -> dict[str, Any]:
    if options.verdict:
        verdicts = verdict_file.read(options.run)
        exporter.put(
            [line for line in verdict_lines(RunPoints(manifest.read(options.run)), verdicts) if line]
        )
    elif options.follow:
        commands = Commands()
        with contextlib.suppress(OSError):
            print("ready", flush=True)
        return _closed(exporter, follow(options.run, exporter, commands))
    else:
        exporter.put(Export(options.run, manifest.read(options.run)).finish())
    return _closed(exporter, exporter.finish(options.seconds))


def _closed(exporter: Exporter, counts: dict[str, Any]) -> dict[str, Any]:
    exporter.close()
    return counts


def _environment(options: argparse.Namespace) -> Mapping[str, str]:
    return {**os.environ, TOKEN: first_line(STDIN).decode()} if options.token_on_stdin else os.environ


def _max_bytes(env: Mapping[str, str]) -> int:
    text = env.get(SPOOL_MB, "")
    return int(text) * 1024 * 1024 if text.isdigit() else MAX_BYTES


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m telemetry.influx.exporter")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=FINISH)
    parser.add_argument("--follow", action="store_true")
    parser.add_argument("--verdict", action="store_true")
    parser.add_argument("--token-on-stdin", action="store_true", help="its first line is INFLUXDB_V2_TOKEN")
    return parser.parse_args(argv)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        print(f"telemetry: {text}", file=sys.stderr, flush=True)


def _leave(code: int, text: str) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
