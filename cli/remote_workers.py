"""A master and its workers on several machines: where a master listens and how a worker finds it.

Locust's protocol knows no password and no encryption (docs/scaling.md): a master listens on loopback unless
it is told another address. What cannot work is one line before anything starts.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Final

from common.errors import ConfigError

LOOPBACK: Final = "127.0.0.1"
PORT: Final = "5557"  # Locust's own
BIND_HELP: Final = f"where it listens (default: {LOOPBACK}; 0.0.0.0: everywhere, for anybody who reaches it)"
WAIT_FOR_WORKERS: Final = 600  # seconds: somebody starts them by hand


def master_options(bind: str, port: str, workers: int) -> list[str]:
    """What makes Locust a master that waits for its workers. ConfigError where it cannot listen."""
    number = port_of(port)
    _try_to_listen(address_of(bind), number)
    waiting = ["--expect-workers", str(workers or 1), "--expect-workers-max-wait", str(WAIT_FOR_WORKERS)]
    return ["--master", "--master-bind-host", bind, "--master-bind-port", str(number), *waiting]


def worker_options(master: str, port: int) -> list[str]:
    """What makes Locust a worker of that master."""
    return ["--worker", "--master-host", master, "--master-port", str(port)]


def port_of(text: str) -> int:
    """A port. ConfigError."""
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65_536):
        raise ConfigError("command line", "--port", f"{text!r:.40}, allowed: 1 to 65535")
    return int(text)


def address_of(text: str) -> str:
    """An address to listen on. ConfigError."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        allowed = "an address of this machine, 0.0.0.0 for all of them"
        raise ConfigError("command line", "--bind", f"{text!r:.60}, allowed: {allowed}") from None


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
