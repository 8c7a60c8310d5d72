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
    IDLE = 4  # answered: good for another call
    SPENT = 5  # answered: good for no other
    CLOSED = 6


FOLLOWS: Final[dict[State, tuple[State, ...]]] = {
    State.NEW: (State.CONNECTING, State.CLOSED),
    State.CONNECTING: (State.BUSY, State.HANDSHAKING, State.CLOSED),
    State.HANDSHAKING: (State.BUSY, State.CLOSED),
    State.BUSY: (State.IDLE, State.SPENT, State.CLOSED),
    State.IDLE: (State.BUSY, State.CLOSED),
    State.SPENT: (State.CLOSED,),
    State.CLOSED: (),
}

LOSS: Final[dict[State, str]] = {
    State.CONNECTING: "connect",
    State.HANDSHAKING: "connect",
    State.BUSY: "reset",
}
"""Why a call failed whose connection went away in this state; there is no call in the others."""


class IllegalMoveError(RuntimeError):
    """A connection was asked for a move that its state does not allow."""


def follow(state: State, to: State) -> State:
    """`to`, if it may follow `state`."""
    if to not in FOLLOWS[state]:
        raise IllegalMoveError(f"a connection does not go from {state.name} to {to.name}")
    return to
