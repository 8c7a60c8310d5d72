"""A suite, the plan, a comparison or a search as a process of its own: started, watched, told to end.

It is the command that a terminal has. Its folder and its output's file are made here; what is under way, what
comes next and how long it takes stand in its `series.json`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from common import exit_codes
from common.errors import failure, one_line
from common.paths import ROOT
from run.folders import new_dir
from scenarios.options import VARIABLES
from telemetry.run_folder import series
from telemetry.run_folder.reading import RunFolderError
from telemetry.run_folder.series import Series

CHECKED_WITHIN: Final = 60.0  # seconds until its first run begins, or it says why none can
POLL_INTERVAL: Final = 0.2
END_WITHIN: Final = 90.0  # seconds that a run which was stopped may take to write its report
TAIL: Final = 8192  # bytes of the output that are shown
LINES: Final = 12
OURS: Final = ("WEB_PASSWORD", *VARIABLES)
GOING: Final = "a series of runs is under way, allowed: Stop it, or wait for its report"


class SeriesRefusedError(ValueError):
    """There is no series; one clear line."""


@dataclass(frozen=True)
class SeriesNow:
    """The series of now, or the last one. `told`: None while not known; `going`: its process is there."""

    folder: str = ""
    command: str = ""
    told: Series | None = None
    going: bool = False
    stopping: bool = False
    exit_code: int | None = None
    output: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """idle, starting, going, stopping, finished."""
        if not self.folder:
            return "idle"
        if not self.going:
            return "finished"
        return "stopping" if self.stopping else "going" if self.told else "starting"


class SeriesProcess:
    """One at a time; `busy`: why nothing can start now, "" when it can; `sleep` gives way to others."""

    def __init__(self, results: Path, busy: Callable[[], str], sleep: Callable[[float], None]) -> None:
        self._results, self._busy, self._sleep = results, busy, sleep
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = results
        self._command = ""
        self._stopping = False
        self._taken = False

    def busy(self) -> str:
        """Why nothing else can start, as one line; "" when it can."""
        return GOING if self._taken or self._alive else ""

    @property
    def _alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, words: Sequence[str]) -> None:
        """Start it, and wait until it has checked all that was asked. Raises SeriesRefusedError."""
        if busy := self._busy():
            raise SeriesRefusedError(busy)
        self._taken = True
        try:
            self._start(words)
            self._await_check()
        finally:
            self._taken = False

    def _start(self, words: Sequence[str]) -> None:
        command, *rest = words
        try:
            self._results.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SeriesRefusedError(failure(error)) from None
        self._folder = new_dir(self._results, "-".join(filter(None, (command, _of(rest)))))
        self._command, self._stopping = command, False
        try:
            self._process = self._begun(words)
        except OSError as error:  # a full disk, no memory
            self._process, self._folder = None, self._results
            raise SeriesRefusedError(failure(error)) from None

    def _begun(self, words: Sequence[str]) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "cli", *words, f"--out={self._folder}"],
                cwd=ROOT, env=environment(os.environ), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    @property
    def _log(self) -> Path:
        return self._folder.with_name(f"{self._folder.name}.log")

    def _await_check(self) -> None:
        deadline = time.monotonic() + CHECKED_WITHIN
        while self._alive and not (self._folder / series.FILE).exists() and time.monotonic() < deadline:
            self._sleep(POLL_INTERVAL)
        code = self._process.poll() if self._process else None
        if code is not None and not (self._folder / series.FILE).exists():
            lines = self._output()
            self._log.unlink(missing_ok=True)
            self._folder = self._results  # nothing came of it
            raise SeriesRefusedError(one_line(lines[-1]) if lines else f"exit code {code}")

    def stop(self) -> None:
        """Tell it once to end: the run under way stops and writes its report."""
        if self._alive and not self._stopping and self._process is not None:
            self._stopping = True
            self._process.send_signal(signal.SIGINT)

    def end(self) -> None:
        """Stop it and wait; what does not end in time is killed."""
        self.stop()
        deadline = time.monotonic() + END_WITHIN
        while self._alive and time.monotonic() < deadline:
            self._sleep(POLL_INTERVAL)
        if self._alive and self._process is not None:
            self._process.kill()

    def now(self) -> SeriesNow:
        """What can be said of it."""
        if self._process is None or self._folder == self._results:
            return SeriesNow()
        code = self._process.poll()
        return SeriesNow(
            folder=self._folder.name,
            command=self._command,
            told=read(self._folder),
            going=code is None,
            stopping=self._stopping,
            exit_code=code if code is None or code in range(4) else exit_codes.OURS,
            output=self._output(),
        )

    def _output(self) -> tuple[str, ...]:
        """The last lines of what it printed."""
        try:
            with self._log.open("rb") as file:
                file.seek(max(self._log.stat().st_size - TAIL, 0))
                text = file.read().decode(errors="replace")
        except OSError:
            return ()
        return tuple(line for line in text.splitlines() if line.strip())[-LINES:]


def read(folder: Path) -> Series | None:
    """The series of a folder; None where it is not known."""
    try:
        return series.read(folder)
    except RunFolderError:
        return None


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """What the command is given of ours: not the options of this process, and not its password."""
    return {
        name: value for name, value in given.items() if name not in OURS and not name.startswith("LOCUST_")
    }


def _of(words: Sequence[str]) -> str:
    """Of what it is: a suite, a scenario, a mode, as part of a folder's name; "" where it is of nothing."""
    given = [word.removeprefix("--mode=") for word in words]
    name = next((Path(word).stem for word in given if not word.startswith("-")), "")
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)[:60]
