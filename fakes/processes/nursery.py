"""Forks the Python processes of a stack from one that has imported what they need.

    nursery = Nursery(["fakes.edge", "fakes.origin", …])     # forks the nursery; before any thread or loop
    child = nursery.spawn("edge", "fakes.edge", ["--fd", 0, …], (listen, life), log)

A new interpreter spends 0.5 CPU seconds on the imports of each process; a fork of one that has them spends
0.01. A program is a package whose `__main__` has `main(words)`. The child is our own: it is forked twice, and
whoever is forked between ends at once, so that it comes to us as the nearest subreaper. It is in a session of
its own, with stdin from /dev/null, stdout and stderr to `log`, the environment of a child
(`common.secrets.environment`), and no descriptor open but those that it is given. A word that is a number
stands for the one of that place in `fds`, whatever its number is in the child.

The nursery ends when its starter does. It is in a session of its own, out of reach of a Ctrl-C.
"""

from __future__ import annotations

import ctypes
import gc
import json
import math
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from subprocess import TimeoutExpired
from typing import IO, Final, NoReturn

from common.secrets.environment import minimal

PR_SET_NAME: Final = 15
PR_SET_CHILD_SUBREAPER: Final = 36
LONGEST: Final = 2**16  # bytes of a request
MOST_FDS: Final = 8
POLL_INTERVAL: Final = 0.005
_libc: Final = ctypes.CDLL(None)
Main = Callable[[list[str]], None]


class ForkedChild:
    """A child as `subprocess.Popen` shows one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """How it ended, None while it runs; a signal is negative."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float = math.inf) -> int:
        """Wait for its end; raises `subprocess.TimeoutExpired`."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise TimeoutExpired(str(self.pid), timeout)
            time.sleep(POLL_INTERVAL)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class Nursery:
    """The starter's end."""

    def __init__(self, programs: Sequence[str]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sys.stdout.flush()
        sys.stderr.flush()
        if (pid := os.fork()) == 0:
            self._socket.close()
            _end_with(partial(_nurse, theirs, programs))
        theirs.close()
        self.pid, self.programs = pid, frozenset(programs)

    def spawn(
        self, name: str, program: str, words: Sequence[str | int], fds: Sequence[int], log: IO[bytes]
    ) -> ForkedChild:
        """A new process of the program, called `name`. Raises OSError, also where the nursery is gone."""
        request = json.dumps([name, program, *words]).encode()
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        try:
            socket.send_fds(self._socket, [request], [log.fileno(), *fds])
            answer = self._socket.recv(LONGEST)
        finally:
            _libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        if not answer:
            raise ConnectionError("the process that forks the others is gone")
        return ForkedChild(int(answer))

    def close(self) -> None:
        """Let it end, and wait for that."""
        self._socket.close()
        os.waitpid(self.pid, 0)


def _nurse(requests: socket.socket, programs: Sequence[str]) -> None:
    """Fork a child for each request, until the starter is gone."""
    os.setsid()
    mains: dict[str, Main] = {program: import_module(f"{program}.__main__").main for program in programs}
    gc.collect()
    gc.freeze()  # what all share stays shared
    while True:
        request, fds, _, _ = socket.recv_fds(requests, LONGEST, MOST_FDS)
        if not request:
            return
        name, program, *words = json.loads(request)
        requests.send(str(_fork_twice(partial(_become, name, mains[program], words, fds))).encode())
        for fd in fds:
            os.close(fd)


def _fork_twice(work: Callable[[], None]) -> int:
    """Do the work in a new process; its id. Whoever is between is gone when this returns."""
    pid_read, pid_write = os.pipe()
    if (between := os.fork()) == 0:
        if (pid := os.fork()) == 0:
            _end_with(work)
        os.write(pid_write, str(pid).encode())
        os._exit(0)
    os.waitpid(between, 0)
    pid = int(os.read(pid_read, 16))
    os.close(pid_read)
    os.close(pid_write)
    return pid


def _become(name: str, main: Main, words: Sequence[str | int], fds: Sequence[int]) -> None:
    """Be a process of the program, as if it had been started."""
    os.setsid()
    log, *given = fds
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    first = 3
    for fd in (*sorted(given), os.sysconf("SC_OPEN_MAX")):
        os.closerange(first, fd)
        first = fd + 1
    sys.stdout, sys.stderr = (open(fd, "w", buffering=1, closefd=False) for fd in (1, 2))  # noqa: SIM115
    environment = minimal()
    os.environ.clear()
    os.environ.update(environment)
    _libc.prctl(PR_SET_NAME, name.encode(), 0, 0, 0)  # what `top` shows
    main([word if isinstance(word, str) else str(given[word]) for word in words])


def _end_with(work: Callable[[], None]) -> NoReturn:
    """Do the work, and end this process: what its starter had open and had planned is not for it."""
    code = 0
    try:
        work()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
