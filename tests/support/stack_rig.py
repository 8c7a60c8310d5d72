"""Starts a stack from a starter process of its own, and tells whether anything of it is left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psutil

from common.paths import ROOT
from tests.support import processes

TIMEOUT: Final = 60.0

STARTER: Final = """
import sys
if sys.argv[2] == "gevent":
    from gevent import monkey
    monkey.patch_all()
import json, signal, time
from pathlib import Path
from fakes.settings import StackSettings
from fakes.stack.start import start_stack

stack = start_stack(StackSettings(), ["rate-limit"], Path(sys.argv[1]))
print(json.dumps({"pids": stack.pids, "metrics": stack.metrics}), flush=True)
try:
    sys.stdin.readline()
except KeyboardInterrupt:
    sys.exit(130)
finally:
    if sys.argv[3] == "stop":
        stack.stop()
"""


class Started:
    """A starter with its stack; everything that may be left of it, noted while it lives."""

    def __init__(self, process: subprocess.Popen[bytes], told: dict[str, Any]) -> None:
        self.process, self.pids = process, told["pids"]
        family = psutil.Process(self.pids["stack"]).children(recursive=True)
        self.family = [psutil.Process(self.pids["stack"]), *family]  # the reaper is among them
        self.ports = [urlsplit(url).port for url in told["metrics"].values()]
        postgres = psutil.Process(self.pids["postgres"]).cmdline()
        self.folder = Path(postgres[postgres.index("-k") + 1]).parent
        assert self.folder.is_dir()
        assert len(self.family) > 7

    def left(self) -> list[str]:
        """What is still there: processes, listening ports, the folder, shared memory."""
        return [
            *(f"process {one.pid}" for one in self.family if processes.alive(one)),
            *(f"port {port}" for port in self.ports if _listens(port)),
            *([str(self.folder)] if self.folder.exists() else []),
        ]

    def gone(self) -> list[str]:
        """What is left once everything had its time; the empty list is what we want."""
        wait_until(lambda: not self.left())
        return self.left()


def _listens(port: int | None) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port or 0)) == 0


def wait_until(true: Any) -> None:
    """Wait until it is true, at most TIMEOUT seconds."""
    end = time.monotonic() + TIMEOUT
    while not true() and time.monotonic() < end:
        time.sleep(0.05)


@contextlib.contextmanager
def started(log: Path, *, gevent: bool = False, stop: bool = False) -> Iterator[Started]:
    """A starter, in a process group of its own, whose stack is healthy; ended by its pid afterwards."""
    command = [
        sys.executable,
        "-c",
        STARTER,
        str(log),
        "gevent" if gevent else "plain",
        "stop" if stop else "",
    ]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, log.read_text() if log.exists() else "no log"
            yield Started(process, json.loads(line))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
