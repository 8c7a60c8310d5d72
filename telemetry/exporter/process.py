"""The exporter as its starter sees it. Works under gevent's monkey patching; nothing here touches a point.

handle = start(run_dir, os.environ)      # None: telemetry is off
counts = handle.finish(15)               # {"written", "spooled", "dropped"}; handle.told: of each database
send_verdict(run_dir, os.environ)        # once verdicts.json is there
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from common.paths import RESULTS, ROOT, real
from common.secrets.environment import minimal
from telemetry.exporter import sinks

EARLY: Final = "telemetry: the exporter ended early; {} reads the run again, whole"
DEPTH: Final = 3  # how deep below results/ `make flush` looks for runs: those of a suite are at 2
MARGIN: Final = 5.0  # seconds that the process may take beside sending: its last pass over the folder
NOTHING: Final = {"written": 0, "spooled": 0, "dropped": 0}


class ExporterProcess:
    """A running exporter."""

    def __init__(self, run_dir: Path, process: subprocess.Popen[str]) -> None:
        self._run_dir = run_dir
        self._process = process
        self.told: list[str] = []  # a line for each database, once it has finished

    @property
    def pid(self) -> int:
        """The process, for whoever measures its CPU."""
        return self._process.pid

    def finish(self, timeout_s: float = 15.0) -> dict[str, int]:
        """Have it read the rest and send for at most `timeout_s`; what it could not send stays on disk.

        Safe to repeat.
        """
        if self._process.returncode is None:
            with contextlib.suppress(subprocess.TimeoutExpired, OSError, ValueError):
                self._process.communicate(f"finish {timeout_s:g}\n", timeout=timeout_s + MARGIN)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        said = _said(self._run_dir)
        if not said.get("finished"):
            print(EARLY.format(_reader(self._run_dir)), file=sys.stderr)
        self.told = [_told(one) for one in said.get("sinks", [])]
        return {name: int(said.get(name, 0)) for name in NOTHING}


def _reader(run_dir: Path) -> str:
    """What reads a run again: `make flush` finds those of this checkout."""
    place, results = real(run_dir), real(RESULTS)
    if place.is_relative_to(results) and len(place.relative_to(results).parts) <= DEPTH:
        return "make flush"
    return f"python -m telemetry.exporter --run {run_dir}"


def _told(counts: dict[str, Any]) -> str:
    found = ", ".join(f"{counts[name]} {name}" for name in NOTHING)
    return f"{counts['sink']}: {found} points"


def _said(run_dir: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((run_dir / "telemetry.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


def check(env: Mapping[str, str]) -> list[str]:
    """A warning for each database that takes no points now. Raises ConfigError for what cannot work."""
    return list(sinks.check(env))


def start(run_dir: Path, env: Mapping[str, str]) -> ExporterProcess | None:
    """Start it, before load starts (it waits for `run.json`), and wait until it is ready; None: it is off."""
    if not sinks.switched_on(env):
        return None
    process = _popen(run_dir, env, "--follow")
    assert process.stdout is not None
    process.stdout.readline()  # "ready", or the end of a process that could not start and said why
    return ExporterProcess(run_dir, process)


def send_verdict(run_dir: Path, env: Mapping[str, str], timeout_s: float = 5.0) -> None:
    """Send what `verdicts.json` says, or spool it."""
    if sinks.switched_on(env):
        process = _popen(run_dir, env, "--verdict", "--seconds", f"{timeout_s:g}")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=timeout_s + MARGIN)
        if process.poll() is None:
            process.kill()
            process.wait()


def _given(env: Mapping[str, str]) -> dict[str, str]:
    """What the exporter needs: its variables but for the secrets, and those of a child of ours.

    It works in the checkout: paths are those of who started it.
    """
    ours = (name for name in env if name.startswith(sinks.PREFIXES) and name not in sinks.SECRETS)
    return {
        name: str(Path(text).absolute()) if text and name.endswith(sinks.PATHS) else text
        for name, text in minimal(*ours, given=env).items()
    }


def _popen(run_dir: Path, env: Mapping[str, str], *options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "telemetry.exporter", "--run", str(run_dir.resolve()), *options]
    command += ["--secrets-on-stdin"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, cwd=ROOT, env=_given(env), stdin=pipe, stdout=pipe, text=True, process_group=0
    )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it ended at once, and said why
        secrets = {name: env[name] for name in sorted(sinks.SECRETS) if name in env}
        process.stdin.write(json.dumps(secrets) + "\n")
        process.stdin.flush()
    return process
