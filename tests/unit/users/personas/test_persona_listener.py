"""The listener: one stream an arrival, held for so long, then left."""

from __future__ import annotations

from typing import Any

import pytest

from telemetry.recording.sample import Outcome
from tests.support.fake_account_client import FakeAccountClient, answer
from users.mcp.operations import LISTEN
from users.personas.persona import Persona, make_persona


def listener(client: FakeAccountClient, **options: Any) -> Persona:
    return make_persona("listener", client, (), options)


def test_each_arrival_is_a_stream_that_is_held_and_left() -> None:
    client = FakeAccountClient()
    made = listener(client, hold=20)
    made.arrive(0, 0.0, 0)
    client.advance(5.0)
    made.arrive(1, 5.0, 0)
    assert [(call.index, call.tool) for call in client.open_calls] == [(0, LISTEN), (1, LISTEN)]
    client.advance(20.0)
    assert [call.index for call in client.open_calls] == [1]
    client.advance(25.0)
    assert [(call.outcome, call.done) for call in client.calls] == [
        (Outcome.ABORTED, 20.0),
        (Outcome.ABORTED, 25.0),
    ]


def test_one_that_the_server_ends_is_over() -> None:
    client = FakeAccountClient()
    listener(client, hold=20).arrive(0, 0.0, 0)
    client.advance(1.0)
    answer(client, client.calls[0], 405, "http_error")
    client.advance(30.0)
    assert [(call.outcome, call.done) for call in client.calls] == [(Outcome.FAILED, 1.0)]


@pytest.mark.parametrize("value", [0, 3601, "long"])
def test_other_options_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=f"persona listener: hold: {value!r}, allowed: 1 to 3,600 seconds"):
        listener(FakeAccountClient(), hold=value)
