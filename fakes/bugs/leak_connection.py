"""`leak-connection`: a connection to the upstream is opened for a call, never used again and never closed.

The other side has it, too: where it waits for a request without a limit it stands open there as well.
"""

from __future__ import annotations

import asyncio
import socket

from fakes.bugs.bug import Surroundings, leak


@leak("leak-connection")
async def connection(surroundings: Surroundings, user: str) -> object:
    """The descriptor of a socket that is connected: no collector of garbage ever closes it."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, surroundings.upstream)
    return sock.detach()
