"""`make check-target`: a few requests, by the target's own count, and what is said of them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli import check_target
from cli.launch.local_workers import free_port
from common.paths import ROOT
from tests.e2e.load.test_bare_origin import target
from tests.support.recorder.certificates import make
from tests.support.recorder.handle import Handle, nasty
from users.accounts.keys import fresh_key

pytestmark = pytest.mark.e2e
Start = Callable[..., Handle]


@pytest.fixture
def place() -> str:
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def start(place: str) -> Iterator[Start]:
    """Starts bare origins with more options; ends them."""
    started: list[Handle] = []

    def start(*more: str) -> Handle:
        url = f"http://{place}/.well-known/jwks.json"
        started.append(Handle("tests.support.bare_origin", "--jwks", url, *more))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def checked(
    capsys: pytest.CaptureFixture[str], file: Path, *more: str
) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code; what → (state, detail)."""
    code = check_target.main([str(file), *more])
    said = capsys.readouterr()
    assert not said.err, said.err
    lines = [line.split("  ") for line in said.out.splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    return code, {what: (state, " ".join(rest)) for what, state, *rest in cells}


def sent(origin: Handle) -> tuple[int, int]:
    """(calls and health checks that it saw, looks at its metrics)"""
    told = origin.stats()
    return len(told["times"]) + told["seen"].get("200 health", 0), told["looks"]


def test_exactly_three_requests_to_a_target_that_works(
    tmp_path: Path, start: Start, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    origin = start()
    code, told = checked(capsys, target(tmp_path, origin.base_url, place), "--scenario", "single-burst")
    assert code == 0, told
    assert sent(origin) == (3, 0)
    assert origin.stats()["methods"] == {"tools/list": 1, "tools/call": 1}
    assert told["auth"] == ("ok", "EdDSA in X-Gateway-Token, 3 s; the key set was fetched 1 times")
    assert [told[what][0] for what in ("connect", "health", "tools/list", "tool notion.get_page")] == [
        "ok"
    ] * 4
    assert told["metrics"][0] == "–"
    assert told["point F1.1"][0] == "ok"
    assert "500 requests in 20 s, at most 25 in a second, from 2 accounts" in told["at most"][1]
    assert "one address" not in told


@pytest.mark.parametrize("health", ["/health", None])
@pytest.mark.parametrize("tool", [None, {"module": "notion", "tool": "search"}])
def test_each_thing_is_asked_once_with_and_without_a_health_check_and_a_tool(
    tmp_path: Path, start: Start, place: str, capsys: pytest.CaptureFixture[str], health: Any, tool: Any
) -> None:
    origin = start()
    file = target(tmp_path, origin.base_url, place, health=health, tool=tool, stop_when=None)
    code, _ = checked(capsys, file, "--scenario", "single-burst")
    assert (code, sent(origin)) == (0, (3 if health else 2, 0))


def test_metrics_of_other_names_are_looked_at_once_and_mapped(
    tmp_path: Path, start: Start, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    origin = start()
    (tmp_path / "key.pem").write_bytes(fresh_key("EdDSA").pem())  # one key for both: the origin keeps it
    auth = {"header": "X-Gateway-Token", "scheme": "", "key": {"file": "key.pem"}, "serve_jwks": place}
    keys = {"metrics": [f"{origin.base_url}/metrics"], "accounts": {}, "auth": auth}
    file = target(tmp_path, origin.base_url, place, **keys)
    _, told = checked(capsys, file)
    assert told["metrics 0"][1].endswith("of use: none that the suite knows (map them with `metric_names`)")
    assert told["point P1.5"][0] == "info"
    mapped = {"metric_names": {"mcpist_requests_total": "their_calls_total"}}
    code, told = checked(capsys, target(tmp_path, origin.base_url, place, **keys, **mapped))
    assert told["metrics 0"][1].endswith("of use: mcpist_requests_total")
    assert (code, told["point P1.5"][0], told["point P1.6.cpu"][0]) == (0, "ok", "info"), told
    assert sent(origin) == (6, 2)


def test_a_token_that_is_not_taken(
    tmp_path: Path, start: Start, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    origin = start()
    auth = {"header": "X-Gateway-Token", "scheme": "", "issuer": "nobody", "serve_jwks": place}
    code, told = checked(capsys, target(tmp_path, origin.base_url, place, auth=auth, accounts={}))
    assert code == 1
    assert told["auth"][0] == "NO"
    assert "status 401" in told["auth"][1]
    assert "a target may still hold an old key-1" in told["auth"][1]
    assert told["health"][0] == "ok"
    assert sent(origin) == (3, 0)


def test_nobody_is_there(tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = checked(capsys, target(tmp_path, f"http://127.0.0.1:{free_port()}", place, accounts={}))
    assert (code, told["connect"]) == (1, ("NO", "127.0.0.1: Connection refused"))


def test_a_certificate_that_is_not_good(
    tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = make(tmp_path, "good")
    with nasty(chain=chain) as server:
        bad = target(tmp_path, server.base_url, place, accounts={}, path="/good", health="/good")
        code, told = checked(capsys, bad)
        assert (code, told["connect"][0]) == (1, "NO")
        assert told["connect"][1].startswith("127.0.0.1: TLS: ")
        assert not server.stats()["received"]
        keys = {"accounts": {}, "path": "/good", "health": "/good", "tls": {"ca": str(chain.ca)}}
        code, told = checked(capsys, target(tmp_path, server.base_url, place, **keys))
        assert (code, told["TLS"]) == (0, ("ok", "the certificate is good"))
        assert server.stats()["received"] == {"good": 3}


def test_cloudflare_is_seen_by_its_answers(
    tmp_path: Path, start: Start, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    origin = start("--server", "cloudflare")
    limits = {"ip_per_min": 1000}
    code, told = checked(capsys, target(tmp_path, origin.base_url, place, accounts={}, limits=limits))
    assert code == 0
    assert told["one address"][0] == "WARN"
    assert "lets 16.7 req/s pass; of burst's 500 req/s 97% would be refused" in told["one address"][1]


def test_accounts_of_one_token_are_one_user(
    tmp_path: Path, start: Start, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    origin = start()
    keys = {"accounts": {}, "auth": None, "headers": {"X-Api-Key": "1"}}
    _, told = checked(capsys, target(tmp_path, origin.base_url, place, **keys))
    assert told["one user"][0] == "WARN"
    assert "all accounts share one X-Api-Key, so they are one user to the target" in told["one user"][1]


@pytest.mark.parametrize(
    ("tree", "says"),
    [
        ({"name": "t"}, "base_url: is missing"),
        ({"name": "t", "base_url": "http://example.org"}, "i_own_this_host: must be 'example.org'"),
        ({"name": "t", "base_url": "bundled", "control": "bundled"}, "is started with each run, allowed: "),
        (None, "cannot be read"),
    ],
)
def test_a_bad_file_is_one_line(
    tmp_path: Path, tree: Any, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "t.yaml"
    if tree is not None:
        file.write_text(yaml.safe_dump(tree))
    assert check_target.main([str(file)]) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert (len(said.err.splitlines()), said.out) == (1, "")


def test_the_script_and_make(tmp_path: Path, start: Start, place: str) -> None:
    origin = start()
    file = target(tmp_path, origin.base_url, place, accounts={})
    command = [ROOT / "bin" / "check_target", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd="/")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("target ")
    assert sent(origin) == (3, 0)


def test_the_era_is_found_and_overrides_are_taken(
    tmp_path: Path, start: Start, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    origin = start()
    file = target(tmp_path, origin.base_url, place, protocol="auto", accounts={})
    code, told = checked(capsys, file, "--accounts", "7", "--rate", "2", "--duration", "10s")
    assert code == 0, told
    assert told["protocol"][1].startswith("plain JSON-RPC: it answers neither server/discover nor initialize")
    assert "140 requests in 10 s, at most 14 in a second, from 7 accounts" in told["at most"][1]
    assert sent(origin) == (6, 0)  # it took initialize for any call, so it was told that we are ready
