"""A master and its workers on several machines: where a master listens and how a worker finds it.

A master listens on loopback unless it is told another address, and off loopback both sides need the secret of
the wire. What cannot work is one line before anything starts.
"""

from __future__ import annotations

import os
import socket
from typing import Final

from common.errors import ConfigError
from run.request import RunRequest
from run.workers import wire_secret
from scenarios.options import OPTIONS

WAIT_FOR_WORKERS: Final = 600  # seconds: somebody starts them by hand


def master_options(request: RunRequest) -> list[str]:
    """What makes Locust a master that waits for its workers. ConfigError where it cannot listen."""
    if request.worker_count is None:
        text = f"{request.workers} beside --master, allowed: how many will come"
        raise ConfigError("command line", "--workers", text)
    port = OPTIONS["port"].read(request.port or "")
    address = OPTIONS["bind"].read(request.bind or "")
    wire_secret.check(address, os.environ)
    _try_to_listen(address, port)
    bound = ["--master-bind-host", request.bind or "", "--master-bind-port", str(port)]
    workers = str(request.worker_count or 1)
    waiting = ["--expect-workers", workers, "--expect-workers-max-wait", str(WAIT_FOR_WORKERS)]
    return ["--master", *bound, *waiting]


def worker_options(master: str, port: int) -> list[str]:
    """What makes Locust a worker of that master."""
    return ["--worker", "--master-host", master, "--master-port", str(port)]


def _try_to_listen(address: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address, port))
        except OSError as error:
            raise ConfigError(
                "command line",
                "--bind, --port",
                f"{address} port {port}: {error.strerror}, allowed: a free port of this machine's address",
            ) from None
