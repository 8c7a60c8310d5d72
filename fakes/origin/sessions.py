"""Sessions of the legacy era: who opened one, and what goes on in it.

`mcp.sessions`:
    off      no session is given, none is needed; an id is passed over
    memory   an instance's own memory has them: another origin does not know them, a start forgets them
    shared   all origins know them, by the database; one look-up a request. What goes on in one (calls to
             cancel, streams) stays with its origin
A session ends by DELETE, or is lost with the memory that held it. One is *lost* here when a client still
uses its id: that is counted once an id, wherever it was opened. Another user's use of an id that is in force
is answered as if it were gone (404), and changes nothing.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from fakes.database.pool import Database
from fakes.http import rpc
from fakes.http.asgi import Reply
from fakes.http.metrics import Metrics

HEADER: Final = b"mcp-session-id"
MAX_LOST: Final = 100_000  # ids remembered as lost
OPEN: Final = "INSERT INTO mcpist.sessions (id, user_id) VALUES ($1, $2)"
KNOWN: Final = "SELECT user_id FROM mcpist.sessions WHERE id = $1"
CLOSE: Final = "DELETE FROM mcpist.sessions WHERE id = $1"


class Stoppable(Protocol):
    """What ends with its session: a call, a standing stream."""

    def cancel(self) -> object:
        """End it."""


@dataclass(slots=True)
class Session:
    """One session. `calls` are those under way, by request id."""

    id: str
    user: str
    calls: dict[rpc.Id, asyncio.Task[Reply]] = field(default_factory=dict)
    streams: set[Stoppable] = field(default_factory=set)

    def begin(self, request_id: rpc.Id, call: asyncio.Task[Reply]) -> None:
        """A call is under way in it, until it is done."""
        if request_id is not None:
            self.calls[request_id] = call
            call.add_done_callback(lambda _: self.calls.pop(request_id, None))

    def cancel_call(self, request_id: object) -> None:
        """The client gives a call up. One that is not known, or done, is passed over."""
        named = isinstance(request_id, (str, int, float)) and not isinstance(request_id, bool)
        if named and request_id in self.calls:
            self.calls[request_id].cancel()

    def cancel(self) -> None:
        """End all that goes on in it."""
        for one in (*self.calls.values(), *self.streams):
            one.cancel()


class Sessions:
    """The sessions that one origin knows. What raises RpcError says 400 for no session, 404 for one gone."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._sessions: dict[str, Session] = {}
        self._lost: set[str] = set()
        self._events = metrics.counter("mcpist_sessions_total", "Sessions opened, closed, lost.", "event")
        metrics.track(
            "mcpist_sessions_open", "Sessions that this instance holds.", lambda: len(self._sessions)
        )

    async def open(self, user: str, shared: bool) -> Session:
        """A new session. Raises RefusedError when the database that is to know it is away."""
        session = Session(secrets.token_hex(16), user)
        if shared:
            await self._database.value(OPEN, session.id, user)
        self._sessions[session.id] = session
        self._events("opened").inc()
        return session

    async def find(self, headers: Mapping[bytes, bytes], user: str, shared: bool) -> Session:
        """The session that a request belongs to. Raises RpcError, and RefusedError as `open` does."""
        told = headers.get(HEADER)
        if told is None:
            raise rpc.RpcError(rpc.NO_SESSION, "Mcp-Session-Id is missing", 400)
        session_id = told.decode("latin-1")
        known = await self._shared(session_id, user) if shared else session_id in self._sessions
        if not known:
            self._note_lost(session_id)
        session = self._sessions.get(session_id)
        if session is None or session.user != user:
            raise rpc.RpcError(rpc.SESSION_GONE, "Session not found", 404)
        return session

    async def _shared(self, session_id: str, user: str) -> bool:
        """Whether the table has it. Then it is held here, if it is this user's; another's goes on."""
        owner = await self._database.value(KNOWN, session_id)
        if owner is None:
            self._sessions.pop(session_id, None)
        elif owner == user:
            self._sessions.setdefault(session_id, Session(session_id, user))
        return owner is not None

    async def close(self, session: Session, shared: bool) -> None:
        """The client is done with it."""
        if shared:
            await self._database.value(CLOSE, session.id)
        if self._sessions.pop(session.id, None) is not None:
            self._events("closed").inc()
        session.cancel()

    def clear(self) -> None:
        """As after a start: none is known, and all that went on in them has ended."""
        gone, self._sessions = self._sessions, {}
        for session in gone.values():
            session.cancel()

    def _note_lost(self, session_id: str) -> None:
        if session_id not in self._lost and len(self._lost) < MAX_LOST:
            self._lost.add(session_id)
            self._events("lost").inc()
