"""One `workerd` process: its command line, its control socket, what it uses of the machine."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from common.secrets.environment import minimal
from fakes.edge_worker import install
from fakes.http.hop import Hop, HopReset
from fakes.http.server import BACKLOG
from fakes.processes.sockets import HOST

CONFIG: Final = Path(__file__).with_name("worker") / "worker.capnp"
TOKEN: Final = "CONTROL_TOKEN"  # in the environment of workerd: it stands on no command line
IDLE: Final = 4.0  # seconds; workerd closes a connection that was idle for 5
DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG
PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def listening(host: str = HOST) -> socket.socket:
    """A socket that listens on a free port."""
    return socket.create_server((host, 0), backlog=BACKLOG)


def port_of(sock: socket.socket) -> int:
    """The port that a socket is bound to."""
    port: int = sock.getsockname()[1]
    return port


def command(calls: int, control: int, kv_port: int, doors_port: int) -> list[str]:
    """The command that serves on two listening sockets (fds), with KV and doors at these ports."""
    return [
        str(install.BINARY), "serve", str(CONFIG),
        f"--socket-fd=calls={calls}", f"--socket-fd=control={control}",
        f"--external-addr=kv={HOST}:{kv_port}", f"--external-addr=doors={HOST}:{doors_port}",
    ]  # fmt: skip


def die_with_parent() -> None:
    """For a child between fork and exec: SIGKILL when its parent ends."""
    ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)


def start(
    name: str, calls: socket.socket, kv_port: int, doors_port: int, token: str
) -> tuple[subprocess.Popen[bytes], Worker]:
    """One more workerd that takes calls on a listening socket; it ends with this process."""
    with listening() as control:
        fds = (calls.fileno(), control.fileno())
        process = subprocess.Popen(
            command(*fds, kv_port, doors_port), pass_fds=fds, stdin=subprocess.DEVNULL,
            preexec_fn=die_with_parent, env={**minimal(), TOKEN: token},  # noqa: PLW1509
        )  # fmt: skip
        return process, Worker(name, process.pid, port_of(control), token)


class Worker:
    """What one process is told and asked. `control_port` is that of its control socket."""

    def __init__(self, name: str, pid: int, control_port: int, token: str) -> None:
        self.name, self.pid = name, pid
        self._hop = Hop(HOST, control_port, IDLE)
        self._headers = ((b"x-control-token", token.encode()),)

    async def put(self, state: dict[str, Any]) -> None:
        """Put this in force as a whole. Raises HopError."""
        await self._ask(b"PUT", b"/state", msgspec.json.encode(state))

    async def reset(self) -> None:
        """Forget counts, keys and figures. Raises HopError."""
        await self._ask(b"POST", b"/reset")

    async def figures(self) -> dict[str, float]:
        """Totals since reset by series. Raises HopError."""
        return msgspec.json.decode(await self._ask(b"GET", b"/figures"), type=dict[str, float])

    def cpu(self) -> float:
        """CPU seconds of all its threads since it began, to the nanosecond."""
        return time.clock_gettime((~self.pid << 3) | 2)  # the kernel's clock id of another process's CPU

    def memory(self) -> int:
        """Resident bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE

    def close(self) -> None:
        """Close the connections to it."""
        self._hop.close()

    async def _ask(self, method: bytes, path: bytes, body: bytes = b"") -> bytes:
        try:
            reply = await self._hop.request(method, path, self._headers, body)
        except HopReset:  # it closed an idle connection just as we took it; every command may be given twice
            reply = await self._hop.request(method, path, self._headers, body)
        if reply.status != 200:
            raise RuntimeError(f"{self.name}: {path.decode()} answered {reply.status}")
        return reply.body
