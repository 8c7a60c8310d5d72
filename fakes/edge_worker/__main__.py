"""`python -m fakes.edge_worker …` *becomes* workerd: options and doors are those of `fakes.http.serve`.

The Worker's process is then the one that the supervisor started: it can be killed, frozen and measured as
itself. Beside it runs the companion (`fakes.edge_worker.companion`): KV, control, figures, health checks,
further processes. Each ends with the other: a pipe that workerd holds reads EOF in the companion, and a
companion that fails kills workerd.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
from pathlib import Path

from common.errors import ConfigError
from common.secrets.environment import minimal
from fakes.control.process_config import StackConfig, load
from fakes.edge_worker import install, open_files, shared_port, workerd


def main() -> None:
    """Start the companion, then be workerd. Exit codes 2 and 3 as in `fakes.http.serve`."""
    options = _options()
    try:
        config = load(options.config, options.name)
    except ConfigError as error:
        sys.exit(_say(2, str(error)))
    if missing := [name for name in ("origin-a", "origin-b") if name not in config.addresses]:
        sys.exit(_say(3, f"{options.config}: addresses: {missing[0]} is missing"))
    if install.installed() is None:
        sys.exit(_say(3, f"{install.BINARY} is missing; allowed: what `make real` installs"))
    _become_workerd(options, config)


def _become_workerd(options: argparse.Namespace, config: StackConfig) -> None:
    open_files.raise_limit()
    calls = socket.socket(fileno=options.fd)
    shared_port.listen_first(calls)
    doors, kv, control = workerd.listening(), workerd.listening(), workerd.listening()
    ending, alive = os.pipe()  # `alive` stays open in workerd alone
    passed = [calls.fileno(), doors.fileno(), kv.fileno(), ending]
    if options.life_fd is not None:
        passed.append(options.life_fd)
    subprocess.Popen(
        [
            sys.executable, "-m", "fakes.edge_worker.companion", "--config", str(options.config),
            "--name", options.name, "--worker", str(os.getpid()), "--control", str(workerd.port_of(control)),
            "--calls-fd", str(calls.fileno()), "--doors-fd", str(doors.fileno()),
            "--kv-fd", str(kv.fileno()), "--end-fd", str(ending),
            *([] if options.life_fd is None else ["--life-fd", str(options.life_fd)]),
        ],
        pass_fds=passed, env=minimal(),
    )  # fmt: skip
    for fd in (calls.fileno(), control.fileno(), alive):
        os.set_inheritable(fd, True)
    command = workerd.command(calls.fileno(), control.fileno(), workerd.port_of(kv), workerd.port_of(doors))
    os.execve(command[0], command, {**minimal(), workerd.TOKEN: config.control_token.reveal()})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--fd", type=int, required=True, help="a socket bound to the edge's address")
    parser.add_argument("--name", default="edge")
    parser.add_argument("--life-fd", type=int, help="exit when this pipe reads EOF")
    return parser.parse_args()


def _say(code: int, line: str) -> int:
    print(line, file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
