"""The HTTP server of every process: uvicorn's httptools protocol without uvicorn's main loop.

No access log, no lifespan, no date header, no ticks. A client that disconnects cancels the task that
serves it, as Go's request context does. Keep-alive outlives the clients' (`Hop.max_idle`).
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from fakes.http.asgi import ASGIApp, Disconnect, Receive, Scope, Send

BACKLOG: Final = 4096
KEEP_ALIVE: Final = 120  # seconds


class HttpConnection(HttpToolsProtocol):
    """One connection; its call dies with it."""

    _task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let the app break this connection off, as a killed process does: `scope["state"]["abort"]`."""
        super().connection_made(transport)
        self.app_state = {"abort": transport.abort}

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._task = self.loop.create_task(cycle.run_asgi(app))
        self.tasks.add(self._task)
        self._task.add_done_callback(self.tasks.discard)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the call in flight, if any."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        if self._task is not None and not self._task.done():
            self._task.cancel()


class HttpServer:
    """Serves one ASGI app on listening sockets."""

    def __init__(self, app: ASGIApp, protocol: type[HttpConnection] = HttpConnection) -> None:
        self._kind = protocol
        self.config = Config(
            _quiet(app), lifespan="off", ws="none", access_log=False, log_config=None, proxy_headers=False,
            interface="asgi3", timeout_keep_alive=KEEP_ALIVE,
        )  # fmt: skip
        self.config.load()
        self.state = ServerState()

    async def listen(self, sock: socket.socket) -> asyncio.Server:
        """Accept on `sock` from now on."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited; head and body go out apart
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: self._protocol(loop), sock=sock, backlog=BACKLOG)

    def break_off(self) -> None:
        """Break off every open connection, as a killed process does."""
        for connection in list(self.state.connections):
            connection.transport.abort()

    def _protocol(self, loop: asyncio.AbstractEventLoop) -> HttpConnection:
        return self._kind(self.config, self.state, {}, loop)


def _quiet(app: ASGIApp) -> Any:
    """A client that left is no error to be logged."""

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except (Disconnect, asyncio.CancelledError):
            return

    return handle
