"""The visitor: one call a visit, and a session of its own for each."""

from __future__ import annotations

from tests.support.fake_account_client import FakeAccountClient, answer
from users.mcp.dialect import PLAIN
from users.mcp.operations import list_tools
from users.personas.persona import make_persona


def test_a_session_ends_with_its_call_however_that_ended() -> None:
    client = FakeAccountClient()
    made = make_persona("visitor", client, (list_tools(PLAIN),), {})
    for index, reason in enumerate(("", "http_error")):
        made.arrive(index, float(index), 0)
        client.advance(index + 0.5)
        assert len(client.renewed) == index
        answer(client, client.calls[index], reason=reason)
    assert client.renewed == [0.5, 1.5]
    assert [call.index for call in client.calls] == [0, 1]
