"""The forger: one bad token an arrival, in turn, made before load starts."""

from __future__ import annotations

from typing import Any

import pytest

from targets.auth import Auth
from tests.support.fake_account_client import FakeAccountClient
from users.accounts.forge import KINDS, Forge
from users.accounts.keys import fresh_key
from users.mcp.operations import LIST_TOOLS
from users.personas.persona import make_persona

FORGE = Forge(Auth(issuer="issuer"), fresh_key("EdDSA", "key-1"))


def forger(client: FakeAccountClient, **options: Any) -> Any:
    return make_persona("forger", client, (LIST_TOOLS,), options)


@pytest.mark.parametrize("kind", KINDS)
def test_each_arrival_takes_the_next_token(kind: str) -> None:
    client = FakeAccountClient(forge=FORGE)
    persona = forger(client, kind=kind, tokens=3)
    persona.open()
    assert client.sent == []
    for index in range(7):
        persona.arrive(index, 0.1 * index, 0)
    assert [call.index for call in client.calls] == list(range(7))
    assert client.tokens[:3] == client.tokens[3:6]
    assert client.tokens[6] == client.tokens[0]
    assert all(token and token.startswith(b"Bearer ") for token in client.tokens)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "kind None, allowed: bad-signature"),
        ({"kind": "nope"}, "kind 'nope', allowed"),
        ({"kind": "expired", "tokens": 0}, "tokens 0, allowed: 1 to 10,000"),
        ({"kind": "expired", "tokens": True}, "tokens True"),
        ({"kind": "expired", "more": 1}, "unknown option 'more', allowed: kind, tokens"),
    ],
)
def test_bad_options_are_one_line(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        forger(FakeAccountClient(forge=FORGE), **options)


def test_a_target_without_auth_has_no_tokens_to_forge() -> None:
    persona = forger(FakeAccountClient(), kind="expired")
    with pytest.raises(ValueError, match="signs no tokens"):
        persona.open()
