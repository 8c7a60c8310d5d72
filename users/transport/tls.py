"""TLS: certificates are checked unless a target file says otherwise; a session is bytes in, bytes out."""

from __future__ import annotations

import ssl
from typing import Final

from targets.schema import Tls

CHUNK: Final = 65536  # bytes taken at once


def client_context(tls: Tls, ca: str | None = None) -> ssl.SSLContext:
    """A client's context; OSError for a `ca` file that cannot be read. `ca`: its text, where it was read."""
    context = ssl.create_default_context(cafile=None if ca else tls.ca, cadata=ca)
    context.set_alpn_protocols(["http/1.1"])
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class TlsSession:
    """A TLS session over memory BIOs: no socket."""

    __slots__ = ("_incoming", "_object", "_outgoing")

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)

    def handshake(self, data: bytes) -> tuple[bool, bytes]:
        """Take what arrived; give (finished, what to send). ssl.SSLError if the peer is not trusted."""
        self._incoming.write(data)
        try:
            self._object.do_handshake()
            finished = True
        except ssl.SSLWantReadError:
            finished = False
        return finished, self._outgoing.read()

    def encrypt(self, data: bytes) -> bytes:
        """Plain bytes to records."""
        self._object.write(data)
        return self._outgoing.read()

    def decrypt(self, data: bytes) -> tuple[bytes, bool]:
        """Records to (plain bytes, the peer closed the session)."""
        self._incoming.write(data)
        plain = []
        try:
            while piece := self._object.read(CHUNK):
                plain.append(piece)
            return b"".join(plain), True
        except ssl.SSLWantReadError:
            return b"".join(plain), False
        except ssl.SSLZeroReturnError:
            return b"".join(plain), True
