"""A process of the stack, as the supervisor sees it: spawned, watched, killed, spawned again.

A child is in a session of its own, so Ctrl-C at the terminal reaches the supervisor alone; it ends when
the life pipe that it inherits reads EOF, so it never outlives the supervisor. What it says on stderr
goes to a file of the private folder, and from there to the supervisor's stderr with its name before it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import psutil

from fakes.database.postgres import EmbeddedPostgres
from fakes.processes.cgroup import Cgroup
from fakes.processes.reaper import Reaper
from fakes.processes.sockets import Address

LEAVE_WITHIN: Final = 3.0
SPARING: Final = {"PROMETHEUS_DISABLE_CREATED_SERIES": "true"}  # nobody reads when a counter was made


class Child(Protocol):
    """What every process of the stack can be told."""

    name: str

    @property
    def pid(self) -> int | None:
        """Its process id, None while it is down."""

    def start(self) -> None:
        """Spawn it; it is not ready yet when this returns."""

    def send(self, number: int) -> None:
        """Send it a signal."""

    def ended(self) -> str | None:
        """How it ended, None while it runs."""

    def stop(self) -> None:
        """End it and wait for that."""


class Echo:
    """The stderr of a child: passes it on line by line and remembers the last line."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name, self.last, self._at = path, name, "", 0

    def poll(self) -> None:
        """Pass on what is new."""
        with self.path.open("rb") as file:
            file.seek(self._at)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._at += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            self.last = line.strip() or self.last
            print(f"{self.name}: {line}", file=sys.stderr)


class PartChild:
    """`<command> --config … --fd … --life-fd … --name …` on an address of ours, in a cgroup where given."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        address: Address,
        config: Path,
        life_fd: int,
        reaper: Reaper,
    ) -> None:
        self.name, self.address = name, address
        self._program, self._config, self._life, self._reaper = command, config, life_fd, reaper
        self.cgroup: Cgroup | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.echo = Echo(config.with_name(f"{name}.log"), name)
        self.echo.path.touch(0o600)

    @property
    def pid(self) -> int | None:
        """Its process id, None while it is down."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Spawn it with a fresh listening socket."""
        sock = self.address.socket()
        with sock, self.echo.path.open("ab") as log:
            fds = (sock.fileno(), self._life)
            self._process = subprocess.Popen(
                self._command(*fds), pass_fds=fds, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, env={**os.environ, **SPARING},
            )  # fmt: skip
        self._reaper.process(self._process.pid)

    def _command(self, listen: int, life: int) -> list[str]:
        words = [
            *self._program, "--name", self.name, "--config", str(self._config),
            "--fd", str(listen), "--life-fd", str(life),
        ]  # fmt: skip
        return words if self.cgroup is None else self.cgroup.entering(words)

    def send(self, number: int) -> None:
        """Send it a signal."""
        if self._process is not None:
            self._process.send_signal(number)

    def ended(self) -> str | None:
        """How it ended, with the last line that it said; None while it runs."""
        self.echo.poll()
        if self._process is None or self._process.poll() is None:
            return None
        return ": ".join(filter(None, (how(self._process.returncode), self.echo.last)))

    def stop(self) -> None:
        """SIGTERM, then SIGKILL; wait for it."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(LEAVE_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.echo.poll()


class PostgresChild:
    """The embedded Postgres; started again, it serves the data that it had."""

    name = "postgres"

    def __init__(self, server: EmbeddedPostgres, reaper: Reaper) -> None:
        self.server, self._reaper, self._started = server, reaper, False

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, None while it is down."""
        return self.server.pid if self._started and self.ended() is None else None

    def start(self) -> None:
        """Start, or start again; ready when this returns."""
        if self._started:
            self.server.resume()
        else:
            self.server.start()
        self._started = True
        self._reaper.process(self.server.pid, signal.SIGQUIT)

    def send(self, number: int) -> None:
        """Send the postmaster a signal. SIGKILL waits for its children, SIGSTOP and SIGCONT reach them."""
        if number == signal.SIGKILL:
            self.server.kill()
            return
        if number in (signal.SIGSTOP, signal.SIGCONT):
            for child in psutil.Process(self.server.pid).children(recursive=True):
                child.send_signal(number)
        os.kill(self.server.pid, number)

    def ended(self) -> str | None:
        """How it ended, None while it runs."""
        code = self.server.returncode if self._started else None
        return None if code is None else how(code)

    def stop(self) -> None:
        """End it at once and remove its data."""
        if self._started:
            self.server.stop()


def how(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    return f"killed by {signal.Signals(-code).name}"
