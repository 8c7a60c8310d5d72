"""Contents that a server compressed: gzip, deflate and br, where the target file asks for them.

A run does so with `headers: {Accept-Encoding: gzip}`. Bodies are decoded when the answer is whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Mapping
from typing import Final

import brotli

MAX_DECODED: Final = 64 * 1024 * 1024  # bytes
IDENTITY: Final = b"identity"


class EncodingError(Exception):
    """The body cannot be read; one line that says why."""


def _inflated(body: bytes, window: int) -> bytes:
    inflater = zlib.decompressobj(window)
    plain = inflater.decompress(body, MAX_DECODED)
    if inflater.unconsumed_tail or not inflater.eof:
        raise zlib.error("cut short, or larger than 64 MiB")
    return plain


def _deflated(body: bytes) -> bytes:
    """RFC 9110 means the zlib format; many servers send the bare stream."""
    try:
        return _inflated(body, zlib.MAX_WBITS)
    except zlib.error:
        return _inflated(body, -zlib.MAX_WBITS)


def _unbrotlied(body: bytes) -> bytes:
    plain = brotli.decompress(body)
    return bytes(plain)


DECODERS: Final[Mapping[bytes, Callable[[bytes], bytes]]] = {
    b"gzip": lambda body: _inflated(body, zlib.MAX_WBITS | 16),
    b"deflate": _deflated,
    b"br": _unbrotlied,
}


def asked(accept: str) -> frozenset[bytes]:
    """The encodings that an `Accept-Encoding` asks for."""
    names = (part.partition(";")[0].strip().lower().encode("latin-1") for part in accept.split(","))
    return frozenset(name for name in names if name and name != IDENTITY)


def decoded(headers: Mapping[bytes, bytes], body: bytes, encodings: Collection[bytes]) -> bytes:
    """The body as it was before its `Content-Encoding`. Raises EncodingError."""
    name = headers.get(b"content-encoding")
    if name is None or (name := name.strip().lower()) in (b"", IDENTITY):
        return body
    shown = name.decode("latin-1")
    if name not in encodings:
        raise EncodingError(
            f"content-encoding {shown}: nobody asked for it; a client that does says so in the target file, "
            f"headers: {{Accept-Encoding: {shown}}}"
        )
    try:
        return DECODERS[name](body)
    except (zlib.error, brotli.error) as error:
        raise EncodingError(f"content-encoding {shown}: {error}") from None
