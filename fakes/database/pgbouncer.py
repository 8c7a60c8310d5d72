"""PgBouncer in transaction mode, standing in for Supabase's Supavisor; used where it is installed.

It sits between the origins and the embedded Postgres on a unix socket beside Postgres' own, runs as the
same user, and has `pooler_size` server connections for all its clients. Debian: `apt-get install pgbouncer`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Final

from fakes.database.handed_over import HandedOver, as_whom
from fakes.processes.children import end, exit_text
from fakes.processes.libc import die_with_parent
from fakes.processes.reaper import Reaper
from fakes.settings import DatabaseSettings

PORT: Final = 6432  # of the socket's name alone: nothing listens on it
WITHOUT: Final = "RESILIENCE_NO_PGBOUNCER"
START_TIMEOUT: Final = 10.0
ROLE: Final = "mcpist"


class PgBouncerError(RuntimeError):
    """It did not start; one line, with the last line of its log."""


def installed() -> str | None:
    """The program; None where there is none, or where the environment says to do without."""
    if os.environ.get(WITHOUT):
        return None
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


def ini(postgres: Path, home: Path, settings: DatabaseSettings) -> str:
    """Its configuration."""
    return "\n".join((
        "[databases]",
        f"postgres = host={postgres} port=5432 user={ROLE}",
        "[pgbouncer]",
        "listen_addr =",
        f"listen_port = {PORT}",
        f"unix_socket_dir = {home}",
        "auth_type = any",
        "pool_mode = transaction",
        f"default_pool_size = {settings.pooler_size}",
        f"max_client_conn = {settings.pooler_clients}",
        "ignore_startup_parameters = extra_float_digits",
        "log_connections = 0",
        "log_disconnections = 0",
        "",
    ))  # fmt: skip


class PgBouncerChild:
    """One PgBouncer; `home` is its folder."""

    name = "pgbouncer"

    def __init__(
        self, program: str, postgres: Path, home: Path, settings: DatabaseSettings, reaper: Reaper
    ) -> None:
        self.home = home
        self._program, self._postgres, self._settings, self._reaper = program, postgres, settings, reaper
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: HandedOver | None = None

    @property
    def dsn(self) -> str:
        """Where clients connect."""
        return f"postgresql://{ROLE}@/postgres?host={self.home}&port={PORT}"

    @property
    def pid(self) -> int | None:
        """Its process id, None while it is down."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start it; ready when this returns. Raises PgBouncerError."""
        file = self.home / "pgbouncer.ini"
        if self._folder is None:
            self._folder = HandedOver(self.home)
            file.write_text(ini(self._postgres, self.home, self._settings))
            file.chmod(0o644)  # it is in a folder that its reader alone may enter
            self._folder.give()
        log = self._folder.log
        self._process = subprocess.Popen(
            [self._program, str(file)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home,
            start_new_session=True, preexec_fn=die_with_parent, **as_whom(),  # noqa: PLW1509
        )  # fmt: skip
        self._reaper.process(self._process.pid)
        self._wait_ready(self._folder, time.monotonic() + START_TIMEOUT)

    def _wait_ready(self, folder: HandedOver, deadline: float) -> None:
        socket = self.home / f".s.PGSQL.{PORT}"
        while not socket.exists():
            if self.pid is None or time.monotonic() > deadline:
                lines = folder.said().splitlines()
                raise PgBouncerError(f"pgbouncer did not start: {lines[-1] if lines else 'it said nothing'}")
            time.sleep(0.005)

    def send(self, number: int) -> None:
        """Send it a signal."""
        if self.pid is not None:
            os.kill(self.pid, number)

    def ended(self) -> str | None:
        """How it ended, None while it runs."""
        if self._process is None or self._process.poll() is None:
            return None
        return exit_text(self._process.returncode)

    def stop(self) -> None:
        """End it and remove its folder."""
        if self._process is not None:
            end(self._process)
        if self._folder is not None:
            self._folder.close()
        shutil.rmtree(self.home, ignore_errors=True)
