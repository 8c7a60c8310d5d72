"""A command under way for an assistant: followed while it goes on, ended when nobody waits any more.

One at a time: two loads on one machine would make each other late, and so would what is computed beside one.
The command is a process of its own, started as a suite starts its runs; a wish to end is SIGTERM, which
several runs in a row pass on to the one under way, so load ends at once and the report is still written. If
this process dies, the kernel ends the command.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from cli.launch import local_workers
from common.errors import RefusedInputError, one_line
from run.progress import describe, total
from telemetry.run_folder import manifest, series
from telemetry.run_folder.lines import LedgerLine
from telemetry.run_folder.reading import RunFolderError, lines

POLL_INTERVAL: Final = 0.5  # seconds
SEE_OUT: Final = 120.0  # seconds: a drain and a report
END: Final = signal.SIGTERM
"""The wish to end. Not the signal of `make stop`, which tells each run by itself: nobody passes that on."""


class LoadGoesOnError(RefusedInputError):
    """Something is under way; one line."""


class LoadProgress(NamedTuple):
    """How far it is: `done` of `of`, and the same in words."""

    done: float
    of: float
    text: str


class Ended(NamedTuple):
    """A command that is over: its exit code, and the last line that it said."""

    code: int
    last: str


class Starter(Protocol):
    """Starts a command, all that it says goes to `log`."""

    def __call__(self, command: Sequence[str], *, log: Path) -> subprocess.Popen[bytes]:
        """The process that was started."""


Look = Callable[[], LoadProgress | None]
Tell = Callable[[LoadProgress], Awaitable[None]]
Pause = Callable[[float], Awaitable[None]]


class Loads:
    """The commands of one server. `beside`: why no load can start beside something else, "" when it can."""

    def __init__(
        self,
        start: Starter = local_workers.start,
        pause: Pause = asyncio.sleep,
        beside: Callable[[], str] = lambda: "",
    ) -> None:
        self._start, self._pause, self._beside = start, pause, beside
        self._child: subprocess.Popen[bytes] | None = None
        self._what = ""

    @property
    def busy(self) -> str:
        """Why nothing can start now, as one line; "" when it can."""
        going = self._child is not None and self._child.poll() is None
        return f"{self._what} is under way, allowed: one at a time" if going else ""

    async def follow(self, what: str, command: Sequence[str], look: Look, tell: Tell) -> Ended:
        """Run it to its end; told to end where the waiting is cancelled. Raises LoadGoesOnError."""
        if busy := self.busy or self._beside():
            raise LoadGoesOnError(busy)
        with tempfile.TemporaryDirectory(prefix="resilience-") as folder:
            log = Path(folder) / "log"
            child = self._child = self._start(command, log=log)
            self._what = what
            try:
                told = -1.0  # progress only ever grows, says the protocol
                while child.poll() is None:
                    if (now := look()) is not None and now.done > told:
                        told = now.done
                        await tell(now)
                    await self._pause(POLL_INTERVAL)
            finally:
                if child.poll() is None:
                    child.send_signal(END)
            said = log.read_text("utf-8", "replace").strip().splitlines()
        return Ended(child.returncode, one_line(said[-1]) if said else "it said nothing")

    def see_out(self, clock: Callable[[], float] = time.monotonic) -> None:
        """End what is under way, and wait for its report."""
        child = self._child
        if child is None or child.poll() is not None:
            return
        child.send_signal(END)
        try:
            child.wait(SEE_OUT)
        except subprocess.TimeoutExpired:
            local_workers.end([child], clock)


def of_run(folder: Path) -> LoadProgress | None:
    """How far the run in `folder` is; None before its load begins."""
    try:
        duration = manifest.read(folder).duration_s
    except RunFolderError:
        return None
    found = [list(lines(file, LedgerLine)) for file in sorted(folder.glob("ledger-*.jsonl"))]
    last = [ledger[-1] for ledger in found if ledger]
    if not last:
        return None
    t = max(line.t for line in last)
    sums = total([{key: getattr(line, key) for key in line.__struct_fields__} for line in last])
    return LoadProgress(min(max(t, 0.0), duration), duration, one_line(describe(t, duration, sums)))


def of_series(folder: Path, clock: Callable[[], float] = time.time) -> LoadProgress | None:
    """How many percent of its time several runs in a row have behind them; None before the first begins."""
    try:
        told = series.read(folder)
    except RunFolderError:
        return None
    if told is None:
        return None
    now, going = clock(), told.current
    over = f"{sum(step.over for step in told.steps)} of {len(told.steps)} are over"
    coming = "" if going is None else f", {told.steps[going].name} goes on"
    text = f"{over}{coming}, {series.about(told.left(now))} left"
    return LoadProgress(round(100 * told.share(now)), 100, text)
