"""Contents that a server compressed: gzip, deflate and br, where the target file asks for them.

A run does so with `headers: {Accept-Encoding: gzip}`. Bodies are decoded when the answer is whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Mapping
from typing import Final

import brotli

from users.transport.body_limits import MAX_BODY, MIB

IDENTITY: Final = b"identity"


class EncodingError(Exception):
    """The body cannot be read; one line that says why."""


def _inflated(body: bytes, window: int, most: int) -> bytes:
    inflater = zlib.decompressobj(window)
    plain = inflater.decompress(body, most)
    if inflater.unconsumed_tail or not inflater.eof:
        raise zlib.error(f"cut short, or larger than {most / MIB:g} MiB")
    return plain


def _deflated(body: bytes, most: int) -> bytes:
    """RFC 9110 means the zlib format; many servers send the bare stream."""
    try:
        return _inflated(body, zlib.MAX_WBITS, most)
    except zlib.error:
        return _inflated(body, -zlib.MAX_WBITS, most)


def _unbrotlied(body: bytes, most: int) -> bytes:
    decompressor = brotli.Decompressor()
    plain = bytes(decompressor.process(body, output_buffer_limit=most))
    if not decompressor.is_finished():
        raise brotli.error(f"cut short, or larger than {most / MIB:g} MiB")
    return plain


DECODERS: Final[Mapping[bytes, Callable[[bytes, int], bytes]]] = {
    b"gzip": lambda body, most: _inflated(body, zlib.MAX_WBITS | 16, most),
    b"deflate": _deflated,
    b"br": _unbrotlied,
}


def asked(accept: str) -> frozenset[bytes]:
    """The encodings that an `Accept-Encoding` asks for."""
    names = (part.partition(";")[0].strip().lower().encode("latin-1") for part in accept.split(","))
    return frozenset(name for name in names if name and name != IDENTITY)


def decoded(
    headers: Mapping[bytes, bytes], body: bytes, encodings: Collection[bytes], most: int = MAX_BODY
) -> bytes:
    """The body as it was before its `Content-Encoding`, `most` bytes of it. Raises EncodingError."""
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
        return DECODERS[name](body, most)
    except (zlib.error, brotli.error) as error:
        raise EncodingError(f"content-encoding {shown}: {error}") from None
