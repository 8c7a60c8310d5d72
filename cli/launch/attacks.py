"""Several attacks one after the other, each in a process of its own, on one bundled stack.

    with Attacks(folder, say) as attacks:
        code = attacks.run(run)         # a run that was checked
        attacks.stopped                 # somebody wants the end: nothing more is started

The stack is started for the first attack that needs one and ends with the block; each attack resets it and
puts its own settings in force (`run.stack.shared_stack`). A signal ends the attack that is under way, which
still writes its report.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any, Final

from cli.launch import local_workers
from cli.launch.locust import launch_command
from cli.launch.parser import forget_environment
from common import ending, exit_codes
from common.paths import RESULTS
from run import active_runs
from run.folders import check_out, stamped
from run.request import CheckedRun
from run.stack.shared_stack import SharedStack, StackError

POLL_INTERVAL: Final = 2.0  # seconds between two questions whether an attack may end early
KNOWN: Final = range(4)  # exit codes of bin/attack; anything else is a failure of ours

Over = Callable[[], bool]
Say = Callable[[str], None]


def say_for(command: str) -> Say:
    """Says a line of progress in the command's name; what runs goes on where nobody reads it any more."""

    def said(line: str) -> None:
        ending.say(f"{command}: {line}\n", sys.stdout)

    return said


def say_all(lines: Iterable[str]) -> None:
    """Say what several runs came to; their exit code stays what it is where nobody reads it any more."""
    ending.say("\n".join([*lines, ""]), sys.stdout)


def new_folder(out: str | None, name: str) -> Path:
    """Where several runs go, absolute: `out`, or results/<time>-<name>. ConfigError where it is taken."""
    folder = Path(out).absolute() if out else stamped(name)
    check_out(str(folder))
    return folder


class Attacks:
    """Attacks on one stack, whose files are in `folder`; `say` takes a line about the stack."""

    def __init__(self, folder: Path, say: Say) -> None:
        self.stopped = False
        self._say = say
        self._stack = SharedStack(folder)
        self._child: subprocess.Popen[bytes] | None = None
        self._unheard = 0  # a signal that no attack has been told
        self._before: dict[int, Any] = {}
        self._announced = active_runs.announced(RESULTS, folder)

    def __enter__(self) -> Attacks:
        """From here on signals are for the attack under way."""
        forget_environment()
        self._before = ending.handle(self._on_signal)
        self._before[ending.STOP] = signal.signal(ending.STOP, self._on_wish)
        self._announced.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """End the stack; signals are as they were before."""
        self._announced.__exit__(None, None, None)
        try:
            self._stack.stop()
        except StackError as error:
            self._say(str(error))
        finally:
            for one, previous in self._before.items():
                signal.signal(one, previous)

    def run(self, run: CheckedRun, log: Path | None = None, over: Over | None = None) -> int:
        """One attack; its exit code, and 3 for a run that did not happen.

        What it prints goes to the file `log`, if given. The attack is ended as soon as `over()`, asked every
        `POLL_INTERVAL` seconds, says that there is nothing more to learn.
        """
        try:
            if run.target.bundled and (
                said := self._stack.ready_for(run.scenario, run.target.i_own_this_host)
            ):
                self._say(said)
        except StackError as error:
            self._say(str(error))
            return exit_codes.OURS
        if self.stopped:
            return exit_codes.OURS
        self._child = local_workers.start(launch_command(run.request), log=log)
        self._pass_on()
        code = self._child.wait() if over is None else _watched(self._child, over)
        self._child = None
        return code if code in KNOWN else exit_codes.OURS

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """The attack under way is told once, and ends with its report; so is one that is being started."""
        if not self.stopped:
            self._unheard = number
            self._pass_on()
        self.stopped = True

    def _pass_on(self) -> None:
        if self._unheard and self._child is not None:
            number, self._unheard = self._unheard, 0
            self._child.send_signal(number)

    def _on_wish(self, number: int, frame: FrameType | None) -> None:
        """`make stop` tells the attack under way by itself."""
        self.stopped = True


def _watched(child: subprocess.Popen[bytes], over: Over) -> int:
    """Wait for the child's exit code, and end it when `over` says so."""
    told = False
    while True:
        try:
            return child.wait(POLL_INTERVAL)
        except subprocess.TimeoutExpired:
            if not told and over():
                told = True
                child.send_signal(signal.SIGINT)
