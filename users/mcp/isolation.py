"""Is the answer this call's own? Every answer of a run with `{nonce}` or `expect` is looked at.

    foreign_answer   a nonce of another call in it; another call's JSON-RPC id, and not our nonce; another
                     account's session or `X-User-ID` in its headers
    wrong_answer     a good answer that does not say what is expected

It stands behind the judge of answers (`users.mcp.answers`), and costs nothing where a run has neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import msgspec

from telemetry.recording.sample import REASON_CODE, Outcome
from users.mcp.expectation import OWN_NONCE
from users.mcp.headers import SESSION
from users.mcp.nonce import PREFIX, UNKNOWN, Nonces, Whose
from users.mcp.operations import INITIALIZE
from users.mcp.sse import UNREADABLE, EventStream, stream_of_call
from users.transport.call import Call

USER: Final = b"x-user-id"
FOREIGN: Final = REASON_CODE["foreign_answer"]
WRONG: Final = REASON_CODE["wrong_answer"]
_BAD: Final = REASON_CODE["bad_response"]


class _Identified(msgspec.Struct):
    id: int | str | None = None
    method: msgspec.Raw = msgspec.Raw()


_decode: Final = msgspec.json.Decoder(_Identified).decode


class Foreign(NamedTuple):
    """What showed that an answer was another's, and whose: `by` is nonce, id, session or user."""

    by: str
    whose: Whose


class Isolation:
    """A judge of answers that goes on where `judge` ends; tells `found` of each foreign one."""

    def __init__(
        self,
        judge: Callable[[Call], None],
        nonces: Nonces,
        accounts: Iterable[tuple[int, str]],
        found: Callable[[Call, Foreign], None],
    ) -> None:
        """`accounts`: number and id of each in the run."""
        self._judge = judge
        self._nonces = nonces
        self._found = found
        self._users = {id.encode(): index for index, id in accounts}
        self._sessions: dict[bytes, int] = {}  # id → the account that was given it first

    def __call__(self, call: Call) -> None:
        """Judge an answered call."""
        in_pieces = call.stream is not None
        self._judge(call)
        text, nonce, headers = _streamed(call) if in_pieces else call.body, call.nonce, call.headers
        foreign: Foreign | None = None
        at = text.find(PREFIX)
        own = at >= 0 and bool(nonce) and text.startswith(nonce, at)
        if at >= 0 and not (own and text.find(PREFIX, at + 1) < 0):  # more than our own, once
            own = bool(nonce) and nonce in text
            foreign = self._by_nonce(text, nonce)
        if foreign is None and (SESSION in headers or USER in headers):
            foreign = self._by_headers(call)
        if foreign is None and call.reason == _BAD and not own:
            foreign = _by_id(call, text)
        if foreign is not None:
            call.outcome, call.reason = Outcome.FAILED, FOREIGN
            self._found(call, foreign)
        elif call.expect is None or call.outcome is not Outcome.OK or (own and call.expect is OWN_NONCE):
            return
        elif not call.expect.met(_message(call), nonce):
            call.outcome, call.reason = Outcome.FAILED, WRONG

    def _by_nonce(self, text: bytes, nonce: bytes) -> Foreign | None:
        whose = next(self._nonces.others(text, nonce), None)
        return None if whose is None else Foreign("nonce", whose)

    def _by_headers(self, call: Call) -> Foreign | None:
        user = self._users.get(call.headers.get(USER, b""), call.account)
        if user != call.account:
            return Foreign("user", Whose(user, -1))
        session = call.headers.get(SESSION)
        if session is None:
            return None
        if call.tool == INITIALIZE:
            self._sessions.setdefault(session, call.account)
        owner = self._sessions.get(session, call.account)
        return None if owner == call.account else Foreign("session", Whose(owner, -1))


def _streamed(call: Call) -> bytes:
    """Of a stream that came in pieces: the message that answered, or else the last; and its last piece.

    The body is that piece alone: the answer may have begun before it.
    """
    stream = stream_of_call(call)
    return (stream.answer or stream.last) + call.body


def _message(call: Call) -> bytes:
    """The message that answered."""
    return call.stream.answer if isinstance(call.stream, EventStream) else call.body


def _by_id(call: Call, text: bytes) -> Foreign | None:
    """An answer to a request id that is not this call's, but one that was given out before."""
    message = call.stream.last if isinstance(call.stream, EventStream) else text
    try:
        told = _decode(message)
    except UNREADABLE:
        return None
    other = isinstance(told.id, int) and 0 < told.id != call.request_id and not len(told.method)
    return Foreign("id", Whose(UNKNOWN, -1)) if other else None
