"""Outlives the stack by a moment and removes what is left of it, whatever way it ended.

    python -m fakes.processes.reaper <fd>

A process in a session of its own, so that neither Ctrl-C nor a kill of the group reaches it. On the
pipe it is told, line by line, what to answer for:
    {"folder": path}                        the stack's private folder, named before it is made
    {"pid": n, "born": x, "signal": n}      a process, and the signal that ends it decently
    {"cgroup": [path, …]}                   the folders of a cgroup, named before they are made
EOF means that the supervisor is gone: by its own will or by kill -9. Each process that is still the one
that was named gets its signal, then SIGKILL; so do the children of Postgres, which work in the folder.
Then the folder and the cgroups are removed. The reaper alone removes it, so that way is taken in every run.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from common.secrets.environment import minimal
from fakes.processes import cgroup, pids
from fakes.processes.libc import remove_shared_memory

GRACE_PERIOD: Final = 2.0  # seconds between a process's own signal and SIGKILL
TIMEOUT: Final = 10.0  # seconds after which the reaper gives up
POLL_INTERVAL: Final = 0.02


class Inventory:
    """What the reaper answers for."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.cgroups: list[Path] = []
        self.processes: dict[tuple[int, float], int] = {}

    def add(self, line: bytes) -> None:
        """Read one line; a torn one (the supervisor died within it) is left out."""
        with contextlib.suppress(ValueError):
            told = json.loads(line)
            if "folder" in told:
                self.folder = Path(told["folder"])
            elif "cgroup" in told:
                self.cgroups += map(Path, told["cgroup"])
            else:
                self.processes[told["pid"], told["born"]] = told["signal"]

    def living(self) -> list[tuple[int, float]]:
        """The processes that are still there."""
        named = [one for one in self.processes if pids.start_time(one[0]) == one[1]]
        return named + (pids.programs_in(self.folder, "postgres") if self.folder is not None else [])

    def reap(self, clock: Callable[[], float] = time.monotonic, sleep: Any = time.sleep) -> bool:
        """End everything and remove the folder; False if something withstood."""
        began = clock()
        for (pid, started), number in self.processes.items():
            pids.send(pid, started, number)
        while (left := self.living()) and clock() - began < TIMEOUT:
            if clock() - began > GRACE_PERIOD:
                pids.kill_all(left)
            sleep(POLL_INTERVAL)
        while not (empty := cgroup.remove(self.cgroups)) and clock() - began < TIMEOUT:
            sleep(POLL_INTERVAL)  # the kernel takes a moment to let go of what was killed
        return not left and self._remove() and empty

    def _remove(self) -> bool:
        if self.folder is None or not self.folder.exists():
            return True
        for postmaster_pid in self.folder.glob("*/data/postmaster.pid"):
            remove_shared_memory(postmaster_pid)  # a Postgres that was killed by -9 could not do it itself
        shutil.rmtree(self.folder, ignore_errors=True)
        return not self.folder.exists()


class Reaper:
    """The supervisor's end: starts the process, tells it, and lets it finish."""

    def __init__(self) -> None:
        theirs, self._pipe = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fakes.processes.reaper", str(theirs)],
            pass_fds=(theirs,), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
            env=minimal(),
        )  # fmt: skip
        os.close(theirs)

    @property
    def pid(self) -> int:
        """The reaper's process id."""
        return self._process.pid

    def folder(self, path: Path) -> None:
        """Name the folder to remove; do so before it is made."""
        self._tell({"folder": str(path)})

    def cgroup(self, folders: Sequence[Path]) -> None:
        """Name the folders of a cgroup; do so before they are made."""
        self._tell({"cgroup": [str(folder) for folder in folders]})

    def process(self, pid: int, number: int = signal.SIGKILL) -> None:
        """Name a child that runs now, and the signal that ends it decently."""
        started = pids.start_time(pid)
        if started is not None:
            self._tell({"pid": pid, "born": started, "signal": int(number)})

    def _tell(self, what: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(self._pipe, json.dumps(what).encode() + b"\n")

    def finish(self, timeout: float = TIMEOUT + 5) -> bool:
        """Let it remove what is left and wait for it; False if it could not, or is itself gone."""
        os.close(self._pipe)
        try:
            return self._process.wait(timeout) == 0
        except subprocess.TimeoutExpired:
            return False


def main(fd: int) -> int:
    """Listen until EOF, then reap."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    inventory = Inventory()
    with os.fdopen(fd, "rb") as pipe:
        for line in pipe:
            inventory.add(line)
    return 0 if inventory.reap() else 3


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
