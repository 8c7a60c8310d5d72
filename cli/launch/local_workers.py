"""A master and its workers as processes of this machine, on loopback, on a free port.

Each child is the leader of a session of its own, so a terminal's Ctrl-C reaches this process alone;
it passes what asks for the end on to the master, each signal once. The master ends the workers. Workers that
outlive it are ended here, and the kernel ends all of them if this process dies. They get a secret of
their own: nobody else joins them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Final

from common import ending, exit_codes
from common.secrets.environment import minimal
from run.workers import wire_secret
from scenarios.options import LOOPBACK

WAIT_FOR_WORKERS: Final = 60  # seconds
END_TIMEOUT: Final = 5.0  # seconds for workers to end after their master
_PR_SET_PDEATHSIG: Final = 1


def run(master: Sequence[str], worker: Sequence[str], workers: int, begun: Callable[[int], object]) -> int:
    """Run the master command with so many workers; the master's exit code, 3 if a signal killed it.

    `begun` is told the master's process at once: it hears what asks for the end as soon as it can.
    """
    port = free_port()
    ours = {**os.environ, wire_secret.VARIABLE: secrets.token_hex(32)}
    started: list[subprocess.Popen[bytes]] = []
    with passing_on(started):
        try:
            started.append(start([*master, *master_options(port, workers)], env=ours))
            begun(started[0].pid)
            theirs = _of_a_worker(ours)
            for _ in range(workers):
                started.append(start([*worker, *worker_options(port)], quiet=True, env=theirs))
            code = started[0].wait()
        finally:
            end(started)
    return code if code >= 0 else exit_codes.OURS


def master_options(port: int, workers: int) -> list[str]:
    """What makes Locust a master that waits for its workers."""
    bound = ["--master-bind-host", LOOPBACK, "--master-bind-port", str(port)]
    waiting = ["--expect-workers", str(workers), "--expect-workers-max-wait", str(WAIT_FOR_WORKERS)]
    return ["--master", *bound, *waiting]


def worker_options(port: int) -> list[str]:
    """What makes Locust a worker of that master."""
    return ["--worker", "--master-host", LOOPBACK, "--master-port", str(port), "--loglevel", "WARNING"]


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def passing_on(children: list[subprocess.Popen[bytes]]) -> Any:
    """Within the block signals that ask for the end go to the first child, each at most once."""
    passed: set[int] = set()

    def handler(number: int, frame: FrameType | None) -> None:
        if not children:
            raise SystemExit(exit_codes.OURS)
        if number not in passed:
            passed.add(number)
            children[0].send_signal(number)

    before = ending.handle(handler)
    ending.let_through()
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def end(children: Sequence[subprocess.Popen[bytes]], clock: Callable[[], float] = time.monotonic) -> None:
    """See every child out: wait, then SIGTERM, then SIGKILL."""
    for ask in (lambda child: None, subprocess.Popen.terminate, subprocess.Popen.kill):
        deadline = clock() + END_TIMEOUT
        for child in children:
            if child.poll() is None:
                ask(child)
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, deadline - clock()))


def _of_a_worker(given: Mapping[str, str]) -> dict[str, str]:
    """A worker's environment: it needs no key and no token of ours, the master tells it all."""
    names = (name for name in given if name.startswith(("LOCUST_", "RESILIENCE_")))
    return minimal(*names, given=given)


def start(
    command: Sequence[str],
    quiet: bool = False,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """A child in a session of its own, which the kernel ends if this process dies.

    `quiet`: its standard output goes nowhere; `log`: all that it says goes to that file; `env`: not ours.
    """
    with contextlib.ExitStack() as stack:
        file = None if log is None else stack.enter_context(log.open("ab"))
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if quiet else file,
            stderr=file,
            start_new_session=True,
            env=env,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one thread
        )


def _die_with_parent() -> None:
    ending.hold()  # until it hears them
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
