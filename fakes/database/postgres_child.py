"""The embedded Postgres as a process of the stack: started, killed, frozen, started again."""

from __future__ import annotations

import os
import signal

import psutil

from fakes.database.postgres import EmbeddedPostgres
from fakes.processes.children import exit_text
from fakes.processes.reaper import Reaper


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
        return None if code is None else exit_text(code)

    def stop(self) -> None:
        """End it at once and remove its data."""
        if self._started:
            self.server.stop()
