"""One port, several processes that take its connections: which of them takes a new one is told to the kernel.

Each process listens on a socket of its own (SO_REUSEPORT). The kernel asks a BPF program which one is next;
ours is one instruction, "the n-th in the order in which they began to listen", and needs no right. So one
process serves alone for as long as it has room, and what an isolate remembers is remembered once.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Sequence
from typing import Final

from fakes.edge_worker.open_files import FILES_A_CALL, FILES_AT_ONCE, USABLE
from fakes.http.server import BACKLOG

ATTACH_CLASSIC_BPF: Final = 51  # SO_ATTACH_REUSEPORT_CBPF
RETURN: Final = 0x06  # BPF_RET | BPF_K
INSTRUCTION: Final = "HBBI"  # struct sock_filter: what, two jumps, its number
PROGRAM: Final = "HxxxxxxQ"  # struct sock_fprog: how many instructions, where they are
TCP_INFO_WAITING: Final = struct.Struct(
    "24xI"
)  # struct tcp_info: tcpi_unacked, of one that listens its queue


def listen_first(sock: socket.socket) -> None:
    """Begin to listen on the port's own socket: it takes all connections, and others may join it later."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.listen(BACKLOG)
    steer(sock, 0)


def join(first: socket.socket) -> socket.socket:
    """One more socket that listens on the port of the first; it takes nothing until it is steered to."""
    sock = socket.socket(first.family, first.type)
    try:
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            sock.setsockopt(socket.SOL_SOCKET, option, 1)
        sock.bind(first.getsockname())
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def steer(sock: socket.socket, place: int) -> None:
    """New connections of this socket's port go to the one that began to listen as the `place`-th, from 0."""
    instruction = ctypes.create_string_buffer(struct.pack(INSTRUCTION, RETURN, 0, 0, place))
    program = struct.pack(PROGRAM, 1, ctypes.addressof(instruction))
    sock.setsockopt(socket.SOL_SOCKET, ATTACH_CLASSIC_BPF, program)


def waiting(sock: socket.socket) -> int:
    """Connections that wait to be accepted on a listening socket."""
    (count,) = TCP_INFO_WAITING.unpack(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 28))
    return int(count)


def next_place(files: Sequence[int], limit: int) -> int:
    """Who takes the next connections, by the files that each has open or will have for those that wait.

    The first one that is not half full: even if all of its calls have only just come, and hold half of what
    they will, it has enough. Where none is, the one with the most room.
    """
    half = USABLE * limit * FILES_AT_ONCE / FILES_A_CALL
    return next((place for place, held in enumerate(files) if held < half), files.index(min(files)))
