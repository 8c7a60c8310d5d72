"""A process that has read Locust and the suite and started nothing: runs are forked from it.

    python -P -m tests.support.warm_process     # its standard input is a socket (`tests.support.warm_runs`)

Each packet asks for one run: JSON (`words`, `folder`, `environment`), with two files, where the run writes
and where its pid and then its exit code are told. The run is `bin/attack` with those words in a process, a
session and an environment of its own; only the reading of modules is done before.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import socket
import sys
from typing import Any, Final, NoReturn

from cli.launch.locust_main import lighten
from common import ending
from common.paths import ROOT

# What a run reads by the time that its load begins; Locust first, which patches sockets and clocks.
READ: Final = (
    "locust.main", "cli.attack", "run.attack", "run.checks.preflight", "run.target_tools",
    "run.wait_for_workers", "run.workers.worker_job", "scenarios.load", "targets.load",
)  # fmt: skip
PACKET: Final = 2**18  # bytes, the largest
# As they are before Locust patches them: there is no loop of gevent's until a run makes its own.
plain_socket, fork, waitpid, hear = socket.socket, os.fork, os.waitpid, signal.signal


def main() -> None:
    """Fork what is asked for until the socket is closed."""
    lighten(["--headless"])
    for name in READ:
        importlib.import_module(name)
    door = plain_socket(fileno=0)
    hear(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who watch the runs
    while True:
        packet, files, _, _ = socket.recv_fds(door, PACKET, 2)
        if not packet:
            return
        if not fork():
            hear(signal.SIGCHLD, signal.SIG_DFL)
            watch(json.loads(packet), *files)
        for file in files:
            os.close(file)


def watch(asked: dict[str, Any], output: int, told: int) -> NoReturn:
    """Fork the run, tell its pid, wait for it and tell its exit code, negative for a signal."""
    pid = fork()
    if not pid:
        os.close(told)
        begin(asked, output)
    os.close(output)
    os.write(told, b"%d" % pid)
    _, status = waitpid(pid, 0)
    os.write(told, b"%d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def begin(asked: dict[str, Any], output: int) -> NoReturn:
    """This process becomes the run: what `bin/resilience` does for it, and then its own command line."""
    import gevent

    import cli.attack

    ending.hold()
    os.setsid()
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    nothing = os.open(os.devnull, os.O_RDONLY)
    for here, there in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(here, there)
    os.close(nothing)
    os.close(output)
    gevent.reinit()
    os.execv = become  # type: ignore[assignment]
    sys.exit(cli.attack.main(asked["words"]))


def become(_: str, command: list[str]) -> NoReturn:
    """In place of exec: the script that Python was to run, `python -P SCRIPT …`, in this process."""
    sys.argv = command[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")
    sys.exit()


if __name__ == "__main__":
    main()
