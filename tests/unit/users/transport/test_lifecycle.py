"""The table of a connection's life."""

from __future__ import annotations

from itertools import product

import pytest

from users.transport.lifecycle import LOSS, MOVES, IllegalMoveError, State


@pytest.mark.parametrize(("state", "to"), list(product(State, State)))
def test_only_what_the_table_holds_is_allowed(state: State, to: State) -> None:
    if to in MOVES[state]:
        assert MOVES[state][to] is to
    else:
        with pytest.raises(IllegalMoveError, match=f"no way to {to.name}"):
            MOVES[state][to]


def test_every_state_can_be_closed_but_a_closed_one() -> None:
    assert {state for state in State if State.CLOSED in MOVES[state]} == set(State) - {State.CLOSED}


def test_a_connection_that_carries_a_call_knows_what_its_loss_means() -> None:
    assert set(LOSS) == {State.CONNECTING, State.HANDSHAKING, State.BUSY}
