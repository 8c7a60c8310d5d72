"""`sources` of a target file: the addresses of this machine that accounts connect from, one after the other.

All of loopback's range is this machine's without any set-up: where one of it can be bound, each can. A limit
by TCP peer is attacked truly this way, and each address has ports of its own.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Final

from common.addresses import ranges
from common.errors import ConfigError
from targets.guard import family_of
from targets.schema import Target

LOOPBACK: Final = "127."


def check(target: Target, reached: Sequence[str]) -> None:
    """Each can be bound here, and reaches addresses of this family. Raises ConfigError."""
    families = {family_of(address) for address in reached}
    where, loopback_is_here = f"target {target.name}", False
    for address in ranges.addresses(target.sources):
        if families != {family_of(address)}:
            text = f"{address} cannot reach {', '.join(reached)}, allowed: addresses of its family"
            raise ConfigError(where, "sources", text)
        if address.startswith(LOOPBACK) and loopback_is_here:
            continue
        try:
            with socket.socket(family_of(address), socket.SOCK_STREAM) as tried:
                tried.bind((address, 0))
        except OSError as error:
            text = f"{address}: {error.strerror}, allowed: addresses that this machine has"
            raise ConfigError(where, "sources", text) from None
        loopback_is_here |= address.startswith(LOOPBACK)
