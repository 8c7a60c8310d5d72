"""`make calibrate`: measure a real nano here and write what the model assumes; a minute and a half.

    bin/resilience calibrate [--out FILE]

The model of the bundled stack takes the file with `NANO=calibrated`. Exit code 3 with one line where the real
origin is not built, no cgroup may be made, or what was to be seen was not seen.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cli.launch.parser import Parser, refusing
from common import exit_codes
from common.errors import ConfigError, short
from fakes.calibration.measure import CalibrationError, NanoFigures, measure
from fakes.calibration.rig import running
from fakes.settings import NanoSettings
from fakes.stack.handle import StackError
from scenarios import calibration
from scenarios.option import SOURCE
from telemetry.run_folder.machine import machine


@refusing
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write, tell."""
    parser = Parser(prog="bin/resilience calibrate", description="Measure what the nano's model assumes.")
    parser.add_argument("--out", type=Path, default=calibration.FILE, help="the file to write")
    options = parser.parse_args(arguments)
    check_file(options.out)
    try:
        with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "log") as rig:
            figures = asyncio.run(measure(rig))
        found = described(figures)
    except (CalibrationError, StackError) as error:
        print(f"calibrate: {error}", file=sys.stderr)
        return exit_codes.OURS
    calibration.write(found, options.out)
    print(told(found, options.out))
    return exit_codes.PASS


def check_file(file: Path) -> None:
    """It can be written, once its folder is made. Raises ConfigError."""
    try:
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        text = f"{short(str(file))} cannot be written: {error.strerror}, allowed: a file where you may write"
        raise ConfigError(SOURCE, "--out", text) from None


def described(figures: NanoFigures) -> dict[str, Any]:
    """The file's content."""
    on = f"{machine().told}, {time.strftime('%Y-%m-%d', time.gmtime())}"
    restart = NanoSettings().restart + figures.start_s
    return {
        "nano": {**figures.settings(), "restart": round(restart, 3), "measured_on": on},
        "cpu_ms": {kind: round(1000 * seconds, 4) for kind, seconds in figures.cpu_s.items()},
        "start_s": round(figures.start_s, 3),
        "steps": [{key: int(value) for key, value in one._asdict().items()} for one in figures.steps],
    }


def told(found: dict[str, Any], file: Path) -> str:
    """The plan's figures and the measured ones, a line each."""
    assumed = NanoSettings().model_dump()
    lines = [f"  {'':<20} {'the plan’s':>12} {'measured':>12}"]
    lines += [
        f"  {key:<20} {assumed[key]:>12,} {value:>12,}"
        for key, value in found["nano"].items()
        if key != "measured_on"
    ]
    lines += [f"  CPU ms, {kind:<25} {value:>12.3f}" for kind, value in found["cpu_ms"].items()]
    return "\n".join(
        [f"measured on {found['nano']['measured_on']}", *lines, f"written to {file}: NANO=calibrated"]
    )
