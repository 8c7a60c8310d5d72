"""Where calls go: an address that the guard has pinned, and how to speak to it."""

from __future__ import annotations

import socket as _socket
import ssl
from dataclasses import dataclass
from typing import Any, Final

from gevent.monkey import get_original

from targets.guard import Pinned, family_of
from targets.schema import Target
from users.transport.tls import TlsSession, client_context

IP_BIND_ADDRESS_NO_PORT: Final = 24  # of Linux; Python has no name for it
_make_socket: Any = get_original("socket", "socket")


@dataclass(frozen=True)
class Endpoint:
    """One address and its protocol."""

    family: int
    address: Any  # (host, port) or (host, port, flow, scope), numeric
    server_name: str
    tls: ssl.SSLContext | None = None

    def socket(self, source: str = "") -> Any:
        """A new socket that does not block, from the address `source` where one is given.

        Its port is found when it connects, so that each address has all ports for each address of the target.
        OSError: EMFILE if the process may open no more, EADDRNOTAVAIL for an address of another machine.
        """
        made = _make_socket(self.family, _socket.SOCK_STREAM)
        made.setblocking(False)
        made.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        if source:
            made.setsockopt(_socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            try:
                made.bind((source, 0))
            except OSError:
                made.close()
                raise
        return made

    def session(self) -> TlsSession | None:
        """A new TLS session, or None for plain TCP."""
        return TlsSession(self.tls, self.server_name) if self.tls else None


def endpoints(target: Target, pinned: Pinned, ca: str | None = None) -> tuple[Endpoint, ...]:
    """All of the pinned addresses; `ca` as for `client_context`. OSError if it cannot be read."""
    tls = client_context(target.tls, ca) if pinned.scheme == "https" else None
    places = ((family_of(address), (address, pinned.port)) for address in pinned.addresses)
    return tuple(Endpoint(family, place, pinned.host, tls) for family, place in places)


def endpoint(target: Target, pinned: Pinned) -> Endpoint:
    """The first of the pinned addresses. OSError for a CA file that cannot be read."""
    return endpoints(target, pinned)[0]
