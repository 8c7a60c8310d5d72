"""Target files: the design's own example, defaults, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from common.errors import ConfigError
from common.strict import validate
from targets.auth import fill, host_and_port
from targets.limits import PromisedLimit, Refusal
from targets.load import FOLDER, account_ids, load
from targets.schema import Target

LOCAL: dict[str, Any] = {"name": "local", "base_url": "http://127.0.0.1:8080"}
OWNED: dict[str, Any] = {
    "name": "staging",
    "base_url": "https://gw.example.org",
    "i_own_this_host": "gw.example.org",
    "max_rps": 600,
    "max_duration": "120s",
}


def made(whole: dict[str, Any], /, **keys: Any) -> Target:
    return validate(Target, {**whole, **keys}, "some.yaml")


def test_only_name_and_base_url_are_needed() -> None:
    target = made(LOCAL)
    assert (target.path, target.timeout, target.auth, target.metrics) == ("/v1/mcp", 35, None, ())
    limits = target.limits
    promised = [limits.burst_per_s, limits.ip_per_min, limits.rate_per_min, limits.quota_per_day]
    assert promised == [None] * 4, "who promises nothing is judged for nothing"
    assert target.tls.verify
    assert not target.bundled
    assert not target.tool_given


def test_the_bundled_target_is_the_default() -> None:
    target = load()
    assert target.bundled
    assert target.name == "bundled"
    assert target.client_ip_header == "CF-Connecting-IP"
    limits = target.limits
    promised = [limits.burst_per_s, limits.ip_per_min, limits.rate_per_min]
    assert [one and one.most for one in promised] == [5, 1000, 60]


def test_the_stack_of_compose_is_attacked_as_the_bundled_one_is() -> None:
    """In `burst` the edge counts by the connection's address: from one alone it would refuse nearly all."""
    kept = load("compose")
    assert kept.sources
    assert kept.model_copy(update={"name": "bundled"}) == load("bundled")


def test_the_example_is_whole() -> None:
    target = load("example")
    assert target.auth is not None
    assert (target.auth.algorithm, target.auth.ttl, target.auth.claims) == ("EdDSA", 30, {"sub": "{account}"})
    assert target.max_duration == 120
    assert target.stop_when is not None
    assert target.stop_when.window == 10
    keys = set(yaml.safe_load((FOLDER / "example.yaml").read_text()))
    assert keys >= set(Target.model_fields) - {
        "client_ip_header",
        "sources",
        "tools",
        "effects",
    }  # in comments


def test_a_tool_of_null_is_not_the_same_as_none_given() -> None:
    assert made(LOCAL, tool=None).tool_given
    assert made(LOCAL, tool={"module": "jira", "tool": "get_issue"}).tool_given


def test_tools_by_role_and_in_both_ways() -> None:
    target = made(LOCAL, tools={"fast": {"name": "echo"}, "slow": {"module": "notion", "tool": "search"}})
    assert target.tools is not None
    assert target.tools.fast is not None
    assert target.tools.fast.wire == ("echo", {})
    assert target.tools.slow is not None
    assert target.tools.slow.wire == ("run", {"module": "notion", "tool": "search", "params": {}})
    assert Target.model_validate(target.model_dump(mode="json", by_alias=True)) == target


def test_what_goes_into_a_run_folder_holds_no_secret() -> None:
    auth = {"key": {"env": "GATEWAY_KEY"}}
    public = str(made(LOCAL, headers={"X-Api-Key": "s3cret"}, auth=auth).public())
    assert "X-Api-Key" in public
    assert "s3cret" not in public
    assert "GATEWAY_KEY" not in public


def test_a_path_is_shown_without_its_query() -> None:
    """Hosted servers of MCP take their key there, and have an `@` in their path."""
    target = made(LOCAL, path="/@org/mcp?api_key=s3cret", health="/health?k=s3cret")
    public = target.public()
    assert (public["path"], public["health"]) == ("/@org/mcp?***", "/health?***")
    assert (made(LOCAL).public()["path"], made(LOCAL).public()["health"]) == ("/v1/mcp", None)
    assert Target.model_validate(target.whole()) == target, "a worker gets it whole"


@pytest.mark.parametrize("name", ["bundled", "example"])
def test_a_target_survives_its_way_to_a_worker(name: str) -> None:
    target = load(name)
    assert Target.model_validate(target.model_dump(mode="json", by_alias=True)) == target


AUTH = {"algorithm": "EdDSA"}
BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "unknown key": (LOCAL, {"base": 1}, "base: unknown key, allowed: accounts, auth, base_url"),
    "no name": (LOCAL, {"name": None}, "name: None, allowed: string"),
    "no url": ({"name": "a"}, {}, "base_url: is missing"),
    "not http": (LOCAL, {"base_url": "ftp://127.0.0.1"}, "allowed: http://host or https://host"),
    "a path in the url": (LOCAL, {"base_url": "http://127.0.0.1/mcp"}, "has a path"),
    "a query in the url": (LOCAL, {"base_url": "http://127.0.0.1?a=b"}, "base_url: "),
    "user info": (LOCAL, {"base_url": "http://me:pw@127.0.0.1"}, "user info in the URL"),
    "path": (LOCAL, {"path": "mcp"}, "path: 'mcp', allowed: text that matches"),
    "path with a line end": (LOCAL, {"path": "/a\r\nHost: b"}, "path: "),
    "header with a line end": (LOCAL, {"headers": {"X-A": "b\r\nHost: c"}}, "headers.X-A: "),
    "header name": (LOCAL, {"headers": {"X A": "b"}}, "headers.X A"),
    "host header": (LOCAL, {"headers": {"HOST": "b"}}, "headers: 'HOST', allowed: any header but accept"),
    "client ip header": (LOCAL, {"client_ip_header": "a: b"}, "client_ip_header: "),
    "timeout": (LOCAL, {"timeout": "1h"}, "timeout: '1h', allowed: less than or equal to 600"),
    "metrics": (LOCAL, {"metrics": ["file:///etc/passwd"]}, "metrics: "),
    "foreign metrics": (
        LOCAL,
        {"metrics": ["http://example.org/metrics"]},
        "i_own_this_host: must be 'example.org'",
    ),
    "limit": (
        LOCAL,
        {"limits": {"burst_per_s": 0}},
        "limits.burst_per_s.most: 0, allowed: greater than or equal to 1",
    ),
    "limit key": (
        LOCAL,
        {"limits": {"burst": 5}},
        "limits.burst: unknown key, allowed: burst_per_s, free_per_day, ip_per_min",
    ),
    "control": (LOCAL, {"control": "bundled"}, "control: bundled, allowed: together with"),
    "bundled alone": ({"name": "a", "base_url": "bundled"}, {}, "control: bundled, allowed: together with"),
    "ids and count": (LOCAL, {"accounts": {"ids": "a", "count": 3}}, "ids beside count"),
    "algorithm": (
        LOCAL,
        {"auth": {"algorithm": "none"}},
        "auth.algorithm: 'none', allowed: 'HS256', 'RS256'",
    ),
    "claim": (LOCAL, {"auth": {"claims": {"sub": "{user}"}}}, "unknown {user}, allowed: {account}, {tier}"),
    "exp": (LOCAL, {"auth": {"claims": {"exp": 5}}}, "'exp' is set by ttl"),
    "ttl": (LOCAL, {"auth": {"ttl": "1s"}}, "auth.ttl: '1s', allowed: greater than or equal to 2"),
    "no key": (LOCAL, {"auth": {"key": {}}}, "allowed: {env: NAME} or {file: key.pem}"),
    "two keys": (
        LOCAL,
        {"auth": {"key": {"env": "A", "file": "b"}}},
        "allowed: {env: NAME} or {file: key.pem}",
    ),
    "hs256 needs a key": (LOCAL, {"auth": {"algorithm": "HS256"}}, "key: is missing"),
    "hs256 jwks": (
        LOCAL,
        {"auth": {"algorithm": "HS256", "key": {"env": "A"}, "serve_jwks": "127.0.0.1:1"}},
        "serve_jwks: HS256 has no public key",
    ),
    "jwks place": (
        LOCAL,
        {"auth": {**AUTH, "serve_jwks": "9999"}},
        "auth.serve_jwks: '9999', allowed: host:port",
    ),
    "not owned": (OWNED, {"i_own_this_host": None}, "i_own_this_host: must be 'gw.example.org'"),
    "another owned": (OWNED, {"i_own_this_host": "example.org"}, "i_own_this_host: must be 'gw.example.org'"),
    "no max_rps": (OWNED, {"max_rps": None}, "max_rps: is missing, allowed: a bound"),
    "no max_duration": (OWNED, {"max_duration": None}, "max_duration: is missing, allowed: a bound"),
    "stop_when": (LOCAL, {"stop_when": {"status_5xx_share": 0.5}}, "stop_when: for: is missing"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_targets_are_one_line(name: str) -> None:
    base, keys, message = BAD[name]
    with pytest.raises(ConfigError) as caught:
        made(base, **keys)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_an_unknown_name_tells_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"allowed: bundled, .*example, "):
        load("production")


def test_files_are_looked_for_beside_the_target(tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("# ours\nana\n\n  bo  \n")
    file = tmp_path / "t.yaml"
    tree = {
        **LOCAL,
        "accounts": {"ids": "ids.txt"},
        "tls": {"ca": "ca.pem"},
        "auth": {"key": {"file": "k.pem"}},
    }
    file.write_text(yaml.safe_dump(tree))
    target = load(file)
    assert account_ids(target) == ["ana", "bo"]
    assert target.tls.ca == str(tmp_path.resolve() / "ca.pem")
    assert target.auth is not None
    assert target.auth.key is not None
    assert target.auth.key.file == str(tmp_path.resolve() / "k.pem")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds 0 ids"),
        (b"a\nb\na\n", "holds an id twice"),
        (b"\xff\n", "not text"),
        (b"a\n" + b"x" * 201, "id 2: "),
        (b"a\x1bb\n", "id 1: "),
        (None, "cannot be read"),
    ],
)
def test_bad_account_files(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "ids.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        account_ids(made(LOCAL, accounts={"ids": str(file)}))


def test_claims_are_filled_at_any_depth() -> None:
    claims = {"sub": "{account}", "app": {"plans": ["{tier}", 3]}, "n": 1}
    filled = {"sub": "a{tier}", "app": {"plans": ["pro", 3]}, "n": 1}
    assert fill(claims, {"account": "a{tier}", "tier": "pro"}) == filled


def test_places_of_the_key_server() -> None:
    assert host_and_port("127.0.0.1:9999") == ("127.0.0.1", 9999)
    assert host_and_port("[::1]:0") == ("::1", 0)
    for bad in ("127.0.0.1", ":80", "a:70000", "::1:80", "a b:80"):
        with pytest.raises(ValueError, match="allowed: host:port"):
            host_and_port(bad)


def test_a_number_is_short_for_a_limit_in_fixed_windows() -> None:
    limits = made(LOCAL, limits={"burst_per_s": 7, "rate_per_min": None}).limits
    assert limits.burst_per_s == PromisedLimit(most=7, window="fixed")
    assert limits.rate_per_min is None
    assert list(limits.refusals()) == []


def test_limits_with_a_text_are_told_before_those_of_a_status_alone() -> None:
    own = {"burst_per_s": {"most": 5, "status": 429}, "rate_per_min": {"most": 60, "reason": "Per Minute"}}
    assert list(made(LOCAL, limits=own).limits.refusals()) == [
        Refusal(429, b"per minute", "rate_limit_exceeded"),
        Refusal(429, b"", "burst_exceeded"),
    ]


@pytest.mark.parametrize("name", ["authorization", "Cookie", "X-API-Key", "x-gateway-token"])
def test_a_static_credential_makes_all_accounts_one_user(name: str) -> None:
    assert made(LOCAL, headers={name: "a"}).shared_credential == name
    assert made(LOCAL, headers={name: "a"}, auth={"header": "X-User"}).shared_credential == ""


def test_other_headers_say_nothing_of_the_user() -> None:
    assert made(LOCAL, headers={"X-Tenant": "a", "User-Agent": "b"}).shared_credential == ""


@pytest.mark.parametrize("accept", ["zstd", "gzip, zstd;q=0.5", "*"])
def test_an_encoding_that_we_cannot_read_is_refused_at_once(accept: str) -> None:
    with pytest.raises(ConfigError, match=r"Accept-Encoding: .*, allowed: gzip, deflate, br, identity"):
        made(LOCAL, headers={"Accept-Encoding": accept})
    assert made(LOCAL, headers={"accept-encoding": "gzip;q=1, br"}).headers
