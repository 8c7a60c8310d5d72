"""A process of the stack, as the supervisor sees it: started, watched, killed, started again.

A child is in a session of its own, so Ctrl-C at the terminal reaches the supervisor alone; it ends when
the life pipe that it inherits reads EOF, so it never outlives the supervisor. What it says on stderr
goes to a file of the private folder, and from there to the supervisor's stderr with its name before it.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from common.secrets.environment import minimal
from fakes.processes.cgroup import Cgroup
from fakes.processes.nursery import ForkedChild, Nursery
from fakes.processes.reaper import Reaper
from fakes.processes.sockets import Address

STOP_TIMEOUT: Final = 3.0


class StartError(RuntimeError):
    """A process of the stack, or all of it, could not be started; one line."""


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


class StderrRelay:
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
        nursery: Nursery,
    ) -> None:
        self.name, self.address = name, address
        self._program, self._config, self._life, self._reaper = command, config, life_fd, reaper
        self._nursery = nursery
        self.cgroup: Cgroup | None = None
        self._process: subprocess.Popen[bytes] | ForkedChild | None = None
        self.stderr = StderrRelay(config.with_name(f"{name}.log"), name)
        self.stderr.path.touch(0o600)

    @property
    def pid(self) -> int | None:
        """Its process id, None while it is down."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start it with a fresh listening socket."""
        sock = self.address.socket()
        with sock, self.stderr.path.open("ab") as log:
            fds = (sock.fileno(), self._life)
            if self._program[-1] in self._nursery.programs:
                self._process = self._nursery.spawn(
                    self.name, self._program[-1], self._options(0, 1), fds, log
                )
            else:
                self._process = subprocess.Popen(
                    self._command(*fds), pass_fds=fds, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    start_new_session=True, env=minimal(),
                )  # fmt: skip
        self._reaper.process(self._process.pid)

    def _command(self, *fds: int) -> list[str]:
        words = [*self._program, *map(str, self._options(*fds))]
        return words if self.cgroup is None else self.cgroup.entering(words)

    def _options(self, listen: int, life: int) -> list[str | int]:
        return ["--name", self.name, "--config", str(self._config), "--fd", listen, "--life-fd", life]

    def send(self, number: int) -> None:
        """Send it a signal."""
        if self._process is not None:
            self._process.send_signal(number)

    def ended(self) -> str | None:
        """How it ended, with the last line that it said; None while it runs."""
        self.stderr.poll()
        code = None if self._process is None else self._process.poll()
        if code is None:
            return None
        return ": ".join(filter(None, (exit_text(code), self.stderr.last)))

    def stop(self) -> None:
        """SIGTERM, then SIGKILL; wait for it."""
        if self._process is None:
            return
        end(self._process)
        self.stderr.poll()


def end(process: subprocess.Popen[bytes] | ForkedChild, timeout: float = STOP_TIMEOUT) -> None:
    """SIGTERM, to a frozen one too; SIGKILL after `timeout` seconds; wait for it."""
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def exit_text(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    return f"killed by {signal.Signals(-code).name}"
