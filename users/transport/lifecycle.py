"""The life of a connection, as a table: which state may follow which, and what its loss means in each.

A move that the table does not hold is a mistake of ours: it raises and changes nothing.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class State(IntEnum):
    """Where a connection stands; it carries a call in all states from CONNECTING to BUSY."""

    NEW = 0
    CONNECTING = 1  # until TCP is up
    HANDSHAKING = 2  # until TLS is up
    BUSY = 3  # the request goes out, the answer comes in
    DRAINING = 4  # answered by an event stream, of which the end is still to come
    IDLE = 5  # answered: good for another call
    SPENT = 6  # answered: good for no other
    CLOSED = 7


class IllegalMoveError(RuntimeError):
    """A connection was asked for a move that its state does not allow."""


class _Moves(dict[State, State]):
    """Where a state may lead, by the state that is wanted."""

    def __missing__(self, to: State) -> State:
        raise IllegalMoveError(
            f"no way to {to.name} from here, allowed: {', '.join(one.name for one in self)}"
        )


def _to(*states: State) -> _Moves:
    return _Moves(zip(states, states, strict=True))


MOVES: Final[dict[State, _Moves]] = {
    State.NEW: _to(State.CONNECTING, State.CLOSED),
    State.CONNECTING: _to(State.HANDSHAKING, State.BUSY, State.CLOSED),
    State.HANDSHAKING: _to(State.BUSY, State.CLOSED),
    State.BUSY: _to(State.DRAINING, State.IDLE, State.SPENT, State.CLOSED),
    State.DRAINING: _to(State.IDLE, State.SPENT, State.CLOSED),
    State.IDLE: _to(State.BUSY, State.CLOSED),
    State.SPENT: _to(State.CLOSED),
    State.CLOSED: _to(),
}
"""`state = MOVES[state][wanted]`; IllegalMoveError. A lookup, because each call makes two moves."""

LOSS: Final[dict[State, str]] = {
    State.CONNECTING: "connect",
    State.HANDSHAKING: "connect",
    State.BUSY: "reset",
}
"""Why a call failed whose connection went away in this state; there is no call in the others."""
