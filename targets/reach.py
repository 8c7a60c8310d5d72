"""Which address a server listens at: of `localhost`, which stands for one in each family, and of any name."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Final

from targets.guard import Pinned

LOCALHOST: Final = "localhost"
TIMEOUT: Final = 5.0  # seconds for a connection


def answering(pinned: Pinned) -> Pinned:
    """`localhost` by the first of its addresses that takes a connection; by all of them, if none does.

    Any other name stands for all of its addresses, whether they answer or not.
    """
    if pinned.host != LOCALHOST or len(pinned.addresses) == 1:
        return pinned
    found = next((one for one in pinned.addresses if not refusal(one, pinned.port)), None)
    return pinned if found is None else replace(pinned, addresses=(found,))


def refusal(address: str, port: int) -> str:
    """The system's words for why no connection comes about; "" where one does."""
    try:
        socket.create_connection((address, port), TIMEOUT).close()
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    return ""
