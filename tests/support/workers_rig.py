"""Workers as a user starts them, each a process of its own, and a master's arguments to go with them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from common.paths import ROOT

SAY_WITHIN: Final = 60.0
LOCUST: Final = (sys.executable, "-m", "locust")


def master(port: int, workers: int) -> tuple[str, ...]:
    """Arguments that make Locust a master which waits for so many."""
    return "--master", "--master-bind-port", str(port), "--expect-workers", str(workers)


def worker(port: int, locustfile: str = "locustfile.py") -> tuple[str, ...]:
    """Locust's own command line of a worker, as its documentation has it."""
    return *LOCUST, "-f", locustfile, "--worker", "--master-port", str(port)


class Process:
    """A command with its output in a file, in a session of its own, ended by its pid."""

    def __init__(self, command: Sequence[str], console: Path) -> None:
        self._console = console
        with console.open("wb") as out:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip

    @property
    def console(self) -> str:
        return self._console.read_text(errors="replace")

    def says(self, text: str) -> None:
        """Wait until it says something."""
        limit = time.monotonic() + SAY_WITHIN
        while text not in self.console:
            assert time.monotonic() < limit, f"never said {text!r}: {self.console}"
            time.sleep(0.05)

    def signal(self, number: signal.Signals) -> float:
        """Send a signal; when that was."""
        self.process.send_signal(number)
        return time.monotonic()

    def end(self) -> None:
        """End it, if it still runs, with all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def processes(
    folder: Path, commands: Sequence[Sequence[str]], name: str = "worker"
) -> Iterator[list[Process]]:
    """One process for each command, for the length of a `with` block."""
    running: list[Process] = []
    try:
        for number, command in enumerate(commands):
            running.append(Process(command, folder / f"{name}-{number}.log"))
        yield running
    finally:
        for one in running:
            one.end()
