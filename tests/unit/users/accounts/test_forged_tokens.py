"""No forged token is believed: 10,000 of all kinds against the edge's own check; its sound twin passes."""

from __future__ import annotations

import json
from collections import Counter

import jwt
import pytest

from fakes.edge.auth import Authenticate
from fakes.edge_runtime import key_set
from targets.auth import Auth
from tests.support.edge_rig import EdgeRig
from users.accounts.accounts import Account
from users.accounts.forge import KINDS, Forge
from users.accounts.keys import SigningKey, fresh_key
from users.accounts.tokens import TokenSource

AUTH = Auth(issuer="issuer", kid="key-1", claims={"sub": "{account}", "tier": "{tier}"}, ttl=3600)
KEY = fresh_key("EdDSA", "key-1")
KEYS = key_set.parse(json.dumps(KEY.jwks()).encode())
ACCOUNT = Account(3, "user-3", "8.8.8.8", "unlimited", 0)
EACH = 10_000 // len(KINDS) + 1


def bare(header: bytes) -> bytes:
    return header.removeprefix(b"Bearer ")


@pytest.mark.parametrize("kind", KINDS)
async def test_no_forged_token_is_believed(kind: str) -> None:
    edge = EdgeRig({"edge": {}}, keys=KEYS)
    layer = edge.layer(Authenticate)
    forge = Forge(AUTH, KEY)
    statuses: Counter[int] = Counter()
    for serial in range(EACH):
        reply = await edge.ask(layer, token=bare(forge.make(kind, ACCOUNT, serial)))
        statuses[reply.status] += 1
    assert set(statuses) <= {401, 403}
    assert statuses.total() == EACH
    assert edge.reached == []


async def test_the_sound_twin_is_believed() -> None:
    edge = EdgeRig({"edge": {}}, keys=KEYS)
    good = TokenSource(AUTH, KEY)(ACCOUNT)
    assert (await edge.ask(edge.layer(Authenticate), token=bare(good))).status == 200


def test_a_serial_gives_another_token_and_the_same_serial_the_same_choices() -> None:
    forge = Forge(AUTH, KEY, clock=lambda: 1_700_000_000)
    for kind in ("unknown-kid", "garbage", "expired"):
        assert forge.make(kind, ACCOUNT, 1) == forge.make(kind, ACCOUNT, 1)
    assert len({forge.make("unknown-kid", ACCOUNT, serial) for serial in range(50)}) == 50


def test_garbage_holds_every_sort() -> None:
    made = [bare(Forge(AUTH, KEY).make("garbage", ACCOUNT, serial)) for serial in range(200)]
    assert any(len(token) > 8000 for token in made)
    assert any(max(token) >= 0x80 for token in made)
    assert any(set(token) == {ord(".")} for token in made)
    assert not any(b"\r" in token or b"\n" in token or b"\0" in token for token in made)


@pytest.mark.parametrize("kind", KINDS)
def test_where_neither_key_nor_issuer_has_a_name_no_bad_token_has_one(kind: str) -> None:
    """What sets a bad token apart from a sound one is its own fault alone."""
    nameless = Forge(Auth(issuer=None, kid=None), SigningKey("EdDSA", KEY.private))
    for serial in range(20):
        token = bare(nameless.make(kind, ACCOUNT, serial))
        if kind != "garbage":
            said = jwt.get_unverified_header(token)
            claims = jwt.decode(token, options={"verify_signature": False})
            assert ("kid" in said, "iss" in claims) == (kind == "unknown-kid", kind == "wrong-issuer")


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(KeyError):
        Forge(AUTH, KEY).make("nope", ACCOUNT, 0)
