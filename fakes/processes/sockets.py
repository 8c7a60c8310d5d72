"""Listening addresses that the supervisor owns for as long as it lives.

A process's socket is made here, bound, handed down, and closed here: the kernel then knows one listener,
and when that process dies its port refuses connections, as a dead host's does (a listener kept open by
the supervisor would go on accepting them). What keeps the port ours meanwhile is a second socket, bound
to it but never listening (SO_REUSEADDR allows both as long as one of them does not listen).
"""

from __future__ import annotations

import errno
import socket
import time
from typing import Final

HOST: Final = "127.0.0.1"
ENDING: Final = 5.0  # seconds that what listened before may take to be gone
PAUSE: Final = 0.01  # seconds


class PortTakenError(OSError):
    """A fixed port that somebody else holds, as one line."""


class Address:
    """One address of the stack. `port` 0: any free one."""

    def __init__(self, name: str, port: int = 0) -> None:
        try:
            self._holder = _bound(port)
        except (OSError, OverflowError) as error:
            raise PortTakenError(f"ports.{name}: {port}: {error}; allowed: a free port, or 0") from None
        self.name = name
        self.port: int = self._holder.getsockname()[1]

    @property
    def base_url(self) -> str:
        """As the start of a URL."""
        return f"http://{HOST}:{self.port}"

    def socket(self) -> socket.socket:
        """A new socket of this address, to be handed to a process and then closed here.

        The port is ours: who still listens on it is of a process that is just ending, and is waited for.
        """
        deadline = time.monotonic() + ENDING
        while True:
            try:
                return _bound(self.port)
            except OSError as error:
                if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE)

    def close(self) -> None:
        """Give the port back."""
        self._holder.close()


def _bound(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((HOST, port))
    except BaseException:
        sock.close()
        raise
    return sock
