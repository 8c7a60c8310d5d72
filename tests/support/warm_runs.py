"""Runs of `bin/attack` that begin with Locust and the suite read already: forks of a process kept for them.

    run = warm_runs.start(words, folder, environment, console)      # as subprocess.Popen, as far as it goes
    code = run.wait(60)

For tests that make many short runs and are about none of the command line, signals at the start, or what a
process of a run reads: those start `bin/attack` itself. One process of pytest has one that forks, made at its
first run; it ends when that process does.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from common.paths import ROOT

FORKED_WITHIN: Final = 120.0  # seconds: the first one waits until everything was read
PACKET: Final = 64  # bytes: a number
_turn: Final = threading.Lock()


class WarmRun:
    """One run; it leads a session of its own."""

    def __init__(self, words: Sequence[str], told: socket.socket) -> None:
        self._words, self._told = list(words), told
        self.pid = self._number(FORKED_WITHIN)
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, negative for a signal. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self.returncode = self._number(timeout)
            self._told.close()
        return self.returncode

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0.0)
        return None

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _number(self, timeout: float | None) -> int:
        self._told.settimeout(timeout)
        try:
            packet = self._told.recv(PACKET)
        except (TimeoutError, BlockingIOError):
            raise subprocess.TimeoutExpired(self._words, timeout or 0.0) from None
        if not packet:
            raise AssertionError("the process that forks runs ended")
        return int(packet)


def start(words: Sequence[str], folder: Path, environment: Mapping[str, str], console: Path) -> WarmRun:
    """`bin/attack` with these words, in that folder; all that it prints goes to the file `console`."""
    asked = {"words": [*map(str, words)], "folder": str(folder), "environment": dict(environment)}
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, console.open("wb") as output, _turn:
        socket.send_fds(_door(), [json.dumps(asked).encode()], [output.fileno(), theirs.fileno()])
    return WarmRun(words, ours)


@cache
def _door() -> socket.socket:
    """Where runs are asked for; the process behind it ends when nobody holds it open any more."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**19)  # a packet holds a whole environment
    environment = {name: text for name, text in os.environ.items() if name != "LOCUST_SKIP_MONKEY_PATCH"}
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.support.warm_process"], stdin=theirs.fileno(), cwd=ROOT,
            env={**environment, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    atexit.register(_end, ours, process)
    return ours


def _end(door: socket.socket, process: subprocess.Popen[bytes]) -> None:
    door.close()
    process.wait()


def ended(process: WarmRun | subprocess.Popen[bytes], within: float) -> int:
    """Its exit code; it is killed where it takes longer, in seconds."""
    try:
        return process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
