"""Tokens on a clock moved by hand: pyjwt and the published key accept them, and they never run out in use."""

from collections import Counter
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import ConfigError
from targets.auth import Algorithm, Auth
from targets.load import account_ids, account_tokens, load
from targets.schema import Target
from tests.support.manual_clock import ManualClock
from users.accounts.accounts import Account
from users.accounts.keys import SigningKey, fresh_key, load_key, read_key
from users.accounts.signing import signing
from users.accounts.tokens import TokenSource, no_token

START = 1_800_000_000.25
ALGORITHMS: list[Algorithm] = ["HS256", "RS256", "ES256", "EdDSA"]
ED = fresh_key("EdDSA", "key-1")


def account(index: int = 0) -> Account:
    return Account(index, f"user-{index}", "198.51.100.1", "pro", 0)


def auth(**keys: Any) -> Auth:
    secret = {"key": {"env": "K"}} if keys.get("algorithm") == "HS256" else {}
    return Auth.model_validate({**secret, **keys})


def decoded(value: bytes, key: Any, algorithm: str) -> dict[str, Any]:
    unchecked: Any = {"verify_exp": False, "verify_iat": False}  # the clock is the test's
    token = value.decode().removeprefix("Bearer ")
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=[algorithm], options=unchecked)
    return claims


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_is_what_the_target_file_says(algorithm: Algorithm) -> None:
    key = fresh_key(algorithm, "key-7")
    wanted = auth(algorithm=algorithm, claims={"sub": "{account}", "app": {"plan": "{tier}"}}, issuer="me")
    value = TokenSource(wanted, key, ManualClock(START))(account())
    public = key.private if algorithm == "HS256" else key.private.public_key()
    assert decoded(value, public, algorithm) == {
        "sub": "user-0",
        "app": {"plan": "pro"},
        "iss": "me",
        "iat": int(START),
        "exp": int(START) + 30,
    }
    header = jwt.get_unverified_header(value.decode().removeprefix("Bearer "))
    assert (header["kid"], header["alg"]) == ("key-7", algorithm)


@pytest.mark.parametrize("algorithm", ALGORITHMS[1:])
def test_the_published_key_verifies_it(algorithm: Algorithm) -> None:
    key = fresh_key(algorithm, "key-7")
    value = TokenSource(auth(algorithm=algorithm), key, ManualClock(START))(account())
    published = jwt.PyJWKSet.from_dict(key.jwks())["key-7"]
    assert decoded(value, published.key, algorithm)["sub"] == "user-0"
    assert not {"d", "p", "q", "k"} & set(key.jwks()["keys"][0])


def test_another_key_does_not_verify_it() -> None:
    value = TokenSource(auth(), ED, ManualClock(START))(account())
    with pytest.raises(jwt.InvalidSignatureError):
        decoded(value, fresh_key("EdDSA").private.public_key(), "EdDSA")


def test_scheme_kid_and_issuer_may_be_left_out() -> None:
    key = SigningKey("EdDSA", ED.private)
    value = TokenSource(auth(scheme="", issuer=None), key, ManualClock(START))(account())
    assert value.startswith(b"eyJ")
    assert "kid" not in jwt.get_unverified_header(value.decode())
    assert "iss" not in decoded(value, ED.private.public_key(), "EdDSA")


def test_a_token_is_kept_as_the_same_object_and_renewed_at_four_fifths() -> None:
    clock = ManualClock(START)
    source = TokenSource(auth(ttl="100s"), ED, clock)
    first = source(account())
    clock.now += 39
    assert source(account()) is first
    clock.now = START + 80
    second = source(account())
    assert second != first
    clock.now = START + 80 + 78
    assert source(account()) is second
    clock.now = START + 80 + 80
    assert source(account()) != second
    assert source.signed == 3


def test_renewals_do_not_fall_on_one_instant() -> None:
    clock = ManualClock(START)
    source = TokenSource(auth(ttl="30s"), ED, clock)
    accounts = [account(index) for index in range(100)]
    source.warm(accounts)
    assert source.signed == 100
    per_tick: Counter[int] = Counter()
    for tick in range(1, 1200):  # two minutes of tenths of a second
        clock.now = START + tick / 10
        before = source.signed
        source.warm(accounts)
        per_tick[tick] = source.signed - before
    assert sum(per_tick.values()) >= 400
    assert max(per_tick.values()) <= 4


@given(
    st.sampled_from([2.0, 2.5, 3.0, 30.0, 3600.0]),
    st.lists(st.floats(0, 50), min_size=1, max_size=40),
    st.integers(0, 500),
)
def test_no_token_is_ever_given_out_after_its_end(ttl: float, steps: list[float], index: int) -> None:
    clock = ManualClock(START)
    source = TokenSource(auth(ttl=ttl), ED, clock)
    for step in steps:
        clock.now += step
        claims = decoded(source(account(index)), ED.private.public_key(), "EdDSA")
        assert claims["iat"] <= clock.now < claims["exp"]
        assert claims["exp"] - claims["iat"] <= ttl


def test_no_auth_is_no_token() -> None:
    assert no_token(account()) == b""


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_comes_back_from_its_text(algorithm: Algorithm, tmp_path: Path) -> None:
    key = fresh_key(algorithm, "k")
    assert read_key(key.pem(), algorithm, "k").pem() == key.pem()
    if algorithm != "HS256":
        file = tmp_path / "key.pem"
        file.write_bytes(key.pem())
        assert load_key(auth(algorithm=algorithm, key={"file": str(file)})).pem() == key.pem().strip() + b"\n"


def test_a_key_comes_from_the_environment_also_with_escaped_line_ends() -> None:
    pem = ED.pem().decode()
    for text in (pem, pem.replace("\n", "\\n")):
        assert load_key(auth(key={"env": "K"}), {"K": text}).pem() == ED.pem()


def test_without_a_key_it_is_a_fresh_one() -> None:
    assert load_key(auth()).pem() != load_key(auth()).pem()


@pytest.mark.parametrize(
    ("algorithm", "text", "message"),
    [
        ("EdDSA", "", "environment variable K: is not set"),
        ("EdDSA", "secret-stuff", "not a private key, allowed: PEM without a password"),
        ("HS256", "too-short", "too short a secret, allowed: 32 bytes or more"),
        ("EdDSA", fresh_key("ES256").pem().decode(), "not a key for EdDSA, allowed: an Ed25519"),
        ("ES256", fresh_key("EdDSA").pem().decode(), "not a key for ES256, allowed: a P-256 key"),
        ("RS256", fresh_key("EdDSA").pem().decode(), "not a key for RS256, allowed: an RSA key"),
    ],
)
def test_bad_keys_are_one_line_without_the_key(algorithm: Algorithm, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_key(auth(algorithm=algorithm, key={"env": "K"}), {"K": text})
    assert message in str(caught.value)
    assert not text or text not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_key_file_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_key(auth(key={"file": "/absent/key.pem"}))


def test_a_key_does_not_show_itself() -> None:
    assert "private" not in repr(fresh_key("EdDSA"))
    with pytest.raises(ValueError, match="no public key"):
        fresh_key("HS256").jwks()


def test_claims_of_a_tokens_own_and_a_prefix() -> None:
    wanted = auth(
        prefix="mpt_", claims={"jti": "{uuid}", "iat": "{now}", "told": "at {now}", "sub": "{account}"}
    )
    clock = ManualClock(START)
    source = TokenSource(wanted, ED, clock)
    values = [source(account(index)) for index in range(2)]
    assert all(value.startswith(b"Bearer mpt_eyJ") for value in values)
    claims = [decoded(one.replace(b"mpt_", b""), ED.private.public_key(), "EdDSA") for one in values]
    assert [one["iat"] for one in claims] == [int(START)] * 2
    assert claims[0]["told"] == f"at {int(START)}"
    assert claims[0]["jti"] != claims[1]["jti"]


def target(folder: Path, tokens: str, **keys: Any) -> Target:
    (folder / "tokens.txt").write_text(tokens)
    (folder / "t.yaml").write_text("name: t\nbase_url: http://127.0.0.1:1\naccounts: {tokens: tokens.txt}\n")
    return load(folder / "t.yaml").model_copy(update=keys)


def test_ready_made_tokens_are_sent_as_they_are_each_by_its_account(tmp_path: Path) -> None:
    found = target(tmp_path, "# ours\nalpha.1\n\nbeta-2\n")
    assert account_ids(found) == ["token-1", "token-2"]
    own = signing(found, None, [], account_tokens(found))
    assert [own.token(account(index)) for index in range(2)] == [b"Bearer alpha.1", b"Bearer beta-2"]
    assert own.forge is None
    bare = target(tmp_path, "alpha\n", auth=auth(scheme="", header="X-Api-Key"))
    assert signing(bare, None, [], account_tokens(bare)).token(account()) == b"alpha"


@pytest.mark.parametrize(
    "tokens", ["", "# none\n", "one\none\n", "two words\x07\n", "\u00e9\n", "x" * 9000 + "\n"]
)
def test_a_file_of_tokens_that_is_none_is_one_line_without_them(tmp_path: Path, tokens: str) -> None:
    with pytest.raises(ConfigError) as refused:
        account_ids(target(tmp_path, tokens))
    said = str(refused.value)
    assert "allowed: " in said
    assert "one\n" not in said
    assert not any(token in said.partition("tokens.txt")[2] for token in tokens.split() if len(token) > 4)
