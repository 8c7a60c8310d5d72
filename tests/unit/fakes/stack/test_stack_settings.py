from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import jwt
import pytest
from pydantic import ValidationError

from common.merge import merged
from fakes.settings import StackSettings
from fakes.stack import __main__, main
from fakes.stack.credentials import Identity
from fakes.stack.main import SettingsError


def test_nothing_given_is_the_default_and_today() -> None:
    settings, names = main.read(None, "today")
    assert settings.database.max_connections == 60
    assert "burst-limit" in names
    assert "breaker" not in names


def test_a_preset_brings_its_settings_over_the_files(tmp_path: Path) -> None:
    path = tmp_path / "stack.yaml"
    path.write_text("edge: {burst_strategy: kv-every-request, isolates: 3}\n")
    settings, _ = main.read(str(path), "phase1")
    assert settings.edge.burst_strategy == "memory-cache"
    assert settings.edge.isolates == 3


def test_settings_come_from_stdin_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"seed": 5}'))
    assert main.read("-", "none")[0].seed == 5


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("edge: {isolate: 3}", r"stack\.yaml: edge\.isolate: "),
        ("edge: {isolates: 0}", r"stack\.yaml: edge\.isolates: .*greater than"),
        ("- a", "does not hold a mapping, allowed: "),
        ("a: [", r"line \d: .*allowed: one document of plain YAML"),
    ],
)
def test_bad_settings_are_one_line(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "stack.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=line) as raised:
        main.read(str(path), "today")
    assert "\n" not in str(raised.value)


def test_no_file_and_unknown_protections_are_one_line() -> None:
    with pytest.raises(SettingsError, match="No such file"):
        main.read("/nowhere/stack.yaml", "today")
    with pytest.raises(SettingsError, match="unknown protection 'moat'"):
        main.read(None, "moat")


def test_bad_usage_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        __main__.main(["--life-fd", "x"])
    assert raised.value.code == 2
    assert "--life-fd" in capsys.readouterr().err


def test_tokens_verify_against_the_published_keys_alone() -> None:
    signing = Identity().signing
    token = signing.token("user-1", 60, tier="starter")
    (published,) = signing.jwks()["keys"]
    assert set(published) == {"kty", "crv", "x", "kid", "alg", "use"}  # no private part
    key = jwt.PyJWK(published)
    claims = jwt.decode(token, key.key, algorithms=["EdDSA"], issuer=signing.issuer)
    assert (claims["sub"], claims["tier"]) == ("user-1", "starter")
    assert jwt.get_unverified_header(token)["kid"] == signing.kid == published["kid"]
    other = jwt.PyJWK(Identity().signing.jwks()["keys"][0])
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, other.key, algorithms=["EdDSA"], issuer=signing.issuer)


def test_secrets_are_fresh_for_every_stack() -> None:
    one, other = Identity(), Identity()
    assert one.control_token != other.control_token
    assert one.gateway_secret != other.gateway_secret != other.control_token


@pytest.mark.parametrize(("tree", "allowed"), [
    ({"parts": {"origin": "real"}, "mcp": {"sse": 0.5}}, True),
    ({"parts": {"origin": "real"}, "mcp": {"sessions": "memory"}}, True),
    ({"parts": {"origin": "real"}, "bugs": {"leak-memory": 0.1}}, False),
    ({"parts": {"edge": "real"}, "bugs": {"leak-memory": 0.1}}, True),
    ({"parts": {"edge": "real"}, "edge": {"count_eras": True}}, False),
    ({"parts": {"edge": "real"}, "edge": {"name_routes": {"a": "origin-b"}}}, True),
])  # fmt: skip
def test_what_a_real_part_cannot_do_is_refused(tree: dict[str, Any], allowed: bool) -> None:
    if allowed:
        assert StackSettings.model_validate(tree)
    else:
        with pytest.raises(ValidationError, match="alone"):
            StackSettings.model_validate(tree)


@pytest.mark.parametrize(
    ("had", "stays"),
    [
        ({}, None),
        ({"ports": {"edge": 8080}}, None),  # only a start sets those
        ({"edge": {"isolates": 4}}, None),  # it is named, and so replaced
        ({"bugs": {"leak-memory": 0.1}}, "bugs.leak-memory"),
        ({"edge": {"name_routes": {"notion_search": "origin-b"}}}, "edge.name_routes.notion_search"),
        ({"upstreams": {"mine": {"search": {}}}}, "upstreams.mine"),
    ],
)
def test_what_of_a_stacks_settings_would_stay_is_named(had: dict[str, Any], stays: str | None) -> None:
    has = StackSettings().model_dump(mode="json")
    assert StackSettings().left_over(merged(has, had)) == stays


@pytest.mark.parametrize(
    ("before", "after", "fixed"),
    [
        ({"mode": "pool"}, {"mode": "none"}, None),
        ({"mode": "pool"}, {"mode": "pooler"}, "database.mode"),
        ({"mode": "pooler"}, {"mode": "pool"}, "database.mode"),
        ({"mode": "pooler"}, {"mode": "pooler", "pooler_size": 9}, "database.mode"),
        ({"mode": "pool"}, {"mode": "pool", "pooler_size": 9}, None),
        ({"mode": "pooler"}, {"mode": "pooler", "credits": 9}, None),
    ],
)
def test_a_pooler_is_there_from_the_start_or_not_at_all(
    before: dict[str, Any], after: dict[str, Any], fixed: str | None
) -> None:
    one, other = (StackSettings.model_validate({"database": database}) for database in (before, after))
    assert one.fixed_change(other) == fixed
