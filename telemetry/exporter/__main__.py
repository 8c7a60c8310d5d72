"""The process that takes a run's facts to databases while the run goes on, off the load's path.

    python -m telemetry.exporter --run results/x --follow     until told to end
    python -m telemetry.exporter --run results/x              a run that is over, whole; safe to repeat
    python -m telemetry.exporter --run results/x --verdict    its verdict alone, and its trace

It reads the run folder as it grows (once `run.json` is there), makes points, spools each to disk for every
sink and sends it from there; counts stand in `telemetry.json` of the run folder
(`telemetry.exporter.exporter`). Following ends by a line `finish SECONDS` or EOF on stdin, or by SIGTERM: a
final pass, then at most so many seconds of sending; the rest stays spooled for the next run or
`python -m telemetry.exporter.flush`. SIGINT is left to the starter.
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
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from common import exit_codes
from common.errors import ConfigError
from common.secrets.first_line import first_line
from telemetry.exporter.exporter import COUNTS, Exporter, follow
from telemetry.exporter.sinks import SECRETS, opened
from telemetry.points.event_points import verdict_points
from telemetry.points.export import Export
from telemetry.points.point import DataPoint, RunPoints
from telemetry.points.spans import run_spans
from telemetry.run_folder import end, manifest, verdict_file
from telemetry.run_folder.lines import Event
from telemetry.run_folder.reading import lines

FINISH: Final = 10.0  # seconds of sending at the end, unless told
NICE: Final = 10  # behind the load generator and the bundled stack
VERDICT_COUNTS: Final = "telemetry-verdict.json"
STDIN: Final = 0


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
        sinks = opened(_environment(options))
    except ConfigError as error:
        _leave(exit_codes.USAGE, str(error))
    os.nice(NICE)
    try:
        name = VERDICT_COUNTS if options.verdict else COUNTS
        counts = _export(options, Exporter(options.run, sinks, os.environ, name))
    except (OSError, KeyError, ValueError) as error:
        _leave(exit_codes.OURS, f"telemetry: {options.run}: {error!r}")
    with contextlib.suppress(OSError):
        print(json.dumps(counts), flush=True)
    sys.stdout.flush()
    os._exit(0)  # a write that still hangs would hold the process; its points are on disk


def _export(options: argparse.Namespace, exporter: Exporter) -> dict[str, Any]:
    if options.verdict:
        exporter.put(_verdict(options.run))
    elif options.follow:
        commands = Commands()
        with contextlib.suppress(OSError):
            print("ready", flush=True)
        return _closed(exporter, follow(options.run, exporter, commands))
    else:
        exporter.put(Export(options.run, manifest.read(options.run)).finish())
    return _closed(exporter, exporter.finish(options.seconds))


def _verdict(run_dir: Path) -> list[DataPoint]:
    """The verdict, the answers, and the run's trace, which is whole now."""
    about, verdicts, ended = manifest.read(run_dir), verdict_file.read(run_dir), end.read(run_dir)
    points, t_end = RunPoints(about), float(ended.t_end if ended else verdicts.duration_s)
    trace = run_spans(points, about, lines(run_dir / "events.jsonl", Event), t_end, verdicts)
    return [*verdict_points(points, verdicts), *trace]


def _closed(exporter: Exporter, counts: dict[str, Any]) -> dict[str, Any]:
    exporter.close()
    return counts


def _environment(options: argparse.Namespace) -> Mapping[str, str]:
    """Our own, and the secrets that came by the pipe."""
    if not options.secrets_on_stdin:
        return os.environ
    given = json.loads(first_line(STDIN) or b"{}")
    return {**os.environ, **{name: str(text) for name, text in given.items() if name in SECRETS}}


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m telemetry.exporter")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=FINISH)
    parser.add_argument("--follow", action="store_true")
    parser.add_argument("--verdict", action="store_true")
    parser.add_argument("--secrets-on-stdin", action="store_true", help="its first line: {variable: secret}")
    return parser.parse_args(argv)


def _leave(code: int, text: str) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
