"""Attacks on the guard: none of them reaches a server that stands for somebody else's.

The stranger listens on every address of this machine, so that each way of writing one would get there.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import gevent
import numpy as np
import pytest

from cli.launch.local_workers import free_port
from common.errors import ConfigError
from common.strict import validate
from shapes.schedule import peak
from targets import guard
from targets.guard import GuardError
from targets.schema import Target
from tests.e2e.load.test_bare_origin import target
from tests.support.recorder.attack import Attack, Plan, Run, attack
from tests.support.recorder.handle import Handle, nasty
from users.transport.endpoint import endpoint
from users.transport.health_check import HealthWatch, get

pytestmark = pytest.mark.e2e

HERE: Final = socket.gethostname()
PLAN: Final = Plan(accounts=6, rate=2, seconds=3, timeout=5)
# P: the stranger's port, Q: that of a target that may be attacked.
URLS: Final = (
    # who the user is, and where the host begins
    "http://127.0.0.1:Q@0.0.0.0:P", "http://127.0.0.1:Q%40@0.0.0.0:P", "http://user@0.0.0.0:P",
    "http://127.0.0.1:Q\\@0.0.0.0:P", "http://0.0.0.0:P\\@127.0.0.1:Q", "http://127.0.0.1:Q#@0.0.0.0:P",
    "http://0.0.0.0:P#@127.0.0.1:Q", "http://127.0.0.1:Q?@0.0.0.0:P", "http:///0.0.0.0:P", "http:0.0.0.0:P",
    "//0.0.0.0:P", "0.0.0.0:P", "http://@0.0.0.0:P", "http://:@0.0.0.0:P",
    # this machine's other names, plainly
    "http://0.0.0.0:P", "http://[::]:P", f"http://{HERE}:P", "http://HERE-IP:P", "https://0.0.0.0:P",
    # other ways of writing an IPv4 address
    "http://0:P", "http://0.0:P", "http://00.00.00.00:P", "http://0x0:P", "http://0x00000000:P",
    "http://2130706433:P", "http://0x7f000001:P", "http://0x7f.0.0.1:P", "http://0177.0.0.1:P",
    "http://017700000001:P", "http://127.1:P", "http://127.0.1:P", "http://127.0.0.1.:P", "http://0.0.0.0.:P",
    "http://4294967296:P", "http://127.0.0.1.0:P", "http://127.000.000.001:P", "http://1e0:P",
    # IPv6
    "http://[::ffff:127.0.0.1]:P", "http://[::ffff:0.0.0.0]:P", "http://[::ffff:7f00:1]:P",
    "http://[0:0:0:0:0:ffff:7f00:0001]:P", "http://[::127.0.0.1]:P", "http://[64:ff9b::7f00:1]:P",
    "http://[::1%25lo]:P", "http://[::1%lo]:P", "http://[fe80::1%25eth0]:P", "http://[::1:P", "http://::1:P",
    "http://[v1.x]:P", "http://[0::0]:P", "http://[::0.0.0.0]:P",
    # line ends, blanks, odd letters
    "http://127.0.0.1:Q\r\nHost: 0.0.0.0:P", "http://127.0.0.1:Q @0.0.0.0:P", " http://0.0.0.0:P",
    "http://0.0.0.0:P\t", "http://0.0.0.0\n:P", "http://0.0.0.0\x00:P", "http://127.0.0.1%00.0.0.0.0:P",
    "http://0.0.0.0%3aP", "http://%30.0.0.0:P", "http://lоcalhost:P", "http://localhost。:P",
    "http://①②⑦.0.0.1:P", "http://ⓛocalhost:P", "http://127。0。0。1:P", "http://xn--lcalhost-5nf:P",
    "http://localhost.:P", "http://localhost.localdomain:P", "http://LOCALHOST.:P",
    # ports and schemes
    "http://127.0.0.1:Q:P", "http://127.0.0.1:P0000", "http://127.0.0.1:-1", "http://127.0.0.1:+P",
    "http://127.0.0.1:P_", "http://127.0.0.1:٣", "ftp://0.0.0.0:P", "file://0.0.0.0:P/etc", "ws://0.0.0.0:P",
    "unix:///0.0.0.0:P", "HTTP://0.0.0.0:P", "javascript://0.0.0.0:P",
)  # fmt: skip


@pytest.fixture(scope="module")
def stranger() -> Iterator[Handle]:
    handle = Handle("tests.support.stranger")
    yield handle
    handle.stop()


def seen(handle: Handle) -> list[str]:
    """What came to it."""
    found: list[str] = handle.stats()["seen"]
    return found


def own_address() -> str:
    """An address of this machine that is not on loopback; 0.0.0.0 where it has none."""
    found = socket.getaddrinfo(HERE, None, family=socket.AF_INET)
    return next((str(one[4][0]) for one in found if not str(one[4][0]).startswith("127.")), "0.0.0.0")


def let_through(tree: dict[str, Any]) -> bool:
    """Do what a run does: check, then send what the guard pinned; False where it was refused."""
    try:
        target = validate(Target, tree, "some.yaml")
        pinned = [guard.check(target), *guard.check_metrics(target).values()]
    except (ConfigError, GuardError):
        return False
    for one in pinned:
        HealthWatch(endpoint(target, one), get("/", one.authority)).ask()
    gevent.sleep(0.05)
    return True


def test_the_stranger_can_be_reached(stranger: Handle) -> None:
    """So that a count of 0 says something: an allowed call gets there, by IPv4 and IPv6."""
    port = stranger.port
    for url in (f"http://127.0.0.1:{port}", f"http://[::1]:{port}", f"http://localhost:{port}"):
        before = len(seen(stranger))
        assert let_through({"name": "t", "base_url": url})
        assert len(seen(stranger)) == before + 1, url


@pytest.mark.parametrize("key", ["base_url", "metrics"])
def test_no_way_of_writing_an_address_gets_there(stranger: Handle, key: str) -> None:
    before = len(seen(stranger))
    passed = []
    for text in URLS:
        url = text.replace("HERE-IP", own_address()).replace("P", str(stranger.port)).replace("Q", "9")
        tree: dict[str, Any] = {"name": "t", "base_url": "http://127.0.0.1:9"}
        tree[key] = [url] if key == "metrics" else url
        passed += [url] if let_through(tree) else []
    assert seen(stranger)[before:] == []
    a_query = [f"http://127.0.0.1:9?@0.0.0.0:{stranger.port}"]  # of a page at 127.0.0.1:9, and that is all
    assert passed == (a_query if key == "metrics" else [])


def resolver(folder: Path, *, before: str, after: str) -> dict[str, str]:
    """An environment where `gw.test` and `localhost` resolve to `before`; from the run's start to `after`."""
    code = f"""
import os, _socket
real = _socket.getaddrinfo
def getaddrinfo(host, *arguments, **more):
    name = host.decode() if isinstance(host, bytes) else host
    if name in ("gw.test", "localhost"):
        host = {after!r} if os.path.exists({str(folder / "run" / "run.json")!r}) else {before!r}
    return real(host, *arguments, **more)
_socket.getaddrinfo = getaddrinfo
"""
    (folder / "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": str(folder)}


@pytest.mark.slow
def test_a_name_that_turns_while_the_run_goes_on(tmp_path: Path, monkeypatch: Any) -> None:
    """Pinned once for all: load, metrics and health of every process stay where the name led at first."""
    for key, value in resolver(tmp_path, before="127.0.0.1", after="127.0.0.2").items():
        monkeypatch.setenv(key, value)
    with nasty() as server:
        elsewhere = Handle("tests.support.stranger", "--host", "127.0.0.2", "--port", str(server.port))
        elsewhere.stats_host = "127.0.0.2"
        base = f"http://gw.test:{server.port}"
        owned = {"i_own_this_host": "gw.test", "max_rps": 100, "max_duration": "60s"}
        looks = {"health": "/good", "metrics": [f"{base}/good"], "stop_when": {"health_failures": 9}}
        plan = replace(PLAN, path="/good", workers=2, target_keys={**owned, **looks})
        try:
            with attack(plan, base, tmp_path) as running:
                run = running.wait()
                assert running.ended_by_itself(), running.console
            received = server.stats()["received"]["good"]
            assert seen(elsewhere) == []
        finally:
            elsewhere.stop()
    scrapes = len((run.folder / "target.jsonl").read_text().splitlines())
    assert run.arrivals["sent"] == PLAN.per_second * PLAN.seconds
    assert received > run.arrivals["sent"] + scrapes, "health checks are missing"


@pytest.mark.slow
def test_localhost_that_leads_elsewhere_is_refused(
    tmp_path: Path, stranger: Handle, monkeypatch: Any
) -> None:
    for key, value in resolver(tmp_path, before="0.0.0.0", after="0.0.0.0").items():
        monkeypatch.setenv(key, value)
    before = len(seen(stranger))
    with attack(PLAN, f"http://localhost:{stranger.port}", tmp_path) as running:
        running.wait_for_refusal("localhost (0.0.0.0) is not on loopback")
    assert seen(stranger)[before:] == []


@pytest.mark.slow
def test_neither_redirects_nor_a_proxy_of_the_environment_lead_away(
    tmp_path: Path, stranger: Handle, monkeypatch: Any
) -> None:
    """Load, health and metrics: all comes to the target itself, and what that points to is not asked."""
    before = len(seen(stranger))
    for name in ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy"):
        for one in (name, name.upper()):
            monkeypatch.setenv(one, f"http://127.0.0.1:{stranger.port}")
    looks = {"health": "/redirect-307", "stop_when": {"health_failures": 1000}}
    with nasty() as server:
        looks["metrics"] = [f"{server.base_url}/redirect-307"]
        plan = replace(PLAN, path="/redirect", target_keys=looks)
        with attack(plan, server.base_url, tmp_path) as running:
            run = running.wait()
        told = server.stats()
    assert told["elsewhere"] == 0
    assert told["received"]["redirect"] == run.arrivals["sent"] == PLAN.per_second * PLAN.seconds
    scrapes = len((run.folder / "target.jsonl").read_text().splitlines())
    assert told["received"]["redirect-307"] > scrapes >= PLAN.seconds, "health checks are missing"
    assert set(run.outcomes()) == {"redirect"}
    assert seen(stranger)[before:] == []


@pytest.mark.slow
def test_a_key_server_bound_elsewhere_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    for place, says in (("192.0.2.1:9999", "Cannot assign"), ("no-such-host.invalid:1", "auth.serve_jwks")):
        plan = replace(PLAN, target_keys={"auth": {"serve_jwks": place}})
        with attack(plan, "http://127.0.0.1:9", tmp_path) as running:
            running.wait_for_refusal(says)


MAX_RPS: Final = 30
PACED: Final = {"max_rps": MAX_RPS, "max_duration": "60s"}


def agents(folder: Path, base_url: str, place: str) -> list[str]:
    """Ten agents that repeat every refused call at once, ten times: twelve times the load that is planned."""
    scenario = folder / "storm.yaml"
    scenario.write_text(
        "title: Agents that do not take no for an answer\nduration: 6s\nrate: 2\naccounts: {count: 10}\n"
        "persona: {name: agent, options: {wait: none, retry_after: false, retries: 10}}\n"
        "tools: [{module: notion, tool: search}]\n"
    )
    file = target(folder, base_url, place, accounts={"count": 10}, stop_when=None, **PACED)
    return [str(scenario), "--target", str(file)]


@pytest.mark.slow
def test_max_rps_holds_in_every_second(tmp_path: Path) -> None:
    """Over two workers; of one process: tests/unit/users/engine/test_pace.py."""
    place = f"127.0.0.1:{free_port()}"
    jwks = f"http://{place}/.well-known/jwks.json"
    origin = Handle("tests.support.bare_origin", "--jwks", jwks, "--limit", "1")
    words = [*agents(tmp_path, origin.base_url, place), "--workers", "2"]
    running = Attack(Plan(), "", tmp_path, 90, command=words)
    try:
        run = running.wait()
        told = origin.stats()
    finally:
        running.end()
        origin.stop()
    held(run, np.array(told["times"]))


def held(run: Run, times: np.ndarray) -> None:
    """No second holds more, by what was sent and by what the server took; the plan went out whole, and more.

    The server shares this machine: what it took late, by `lag` at most, it may have taken nearer together.
    """
    run.check_ledger()
    assert run.arrivals["sent"] == run.arrivals["planned"] == 120
    assert len(times) == run.arrivals["sent"] + run.arrivals["extra"]
    sent, taken = np.sort(run.samples["sent"]) + run.start, np.sort(times)
    assert peak(sent, 1.0) <= MAX_RPS
    lag = float((taken - sent).max())
    assert lag < 0.5 + run.lag
    assert peak(taken, 1.0 - lag) <= MAX_RPS
    assert run.arrivals["extra"] > 40, "sessions and repeats had room"
    assert run.verdicts["stop_reason"] == "completed"
