"""A worker judges for itself where load may go: never anywhere but where the master's goes."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from run.workers import version
from run.workers.worker_job import build_job, where
from targets import guard
from targets.schema import Target
from users.cluster.performer import RefusalError

OWNED = {"i_own_this_host": "gw.example.org", "max_rps": 10, "max_duration": "10s"}


def job(base_url: str, *addresses: str, **changes: Any) -> dict[str, Any]:
    return {"base_url": base_url, "addresses": list(addresses), "machine": version.machine(), **changes}


def target(base_url: str, **more: Any) -> Target:
    return Target(name="t", base_url=base_url, **more)


def resolves(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (one, 80)) for one in addresses]
    )


def test_the_masters_own_loopback_is_allowed() -> None:
    url = "http://127.0.0.1:8080"
    assert where(target(url), job(url, "127.0.0.1")).addresses == ("127.0.0.1",)


def test_another_machines_loopback_is_refused() -> None:
    url = "http://127.0.0.1:8080"
    with pytest.raises(
        RefusalError, match=r"127.0.0.1 is this worker's own loopback, not the master's, allowed: "
    ):
        where(target(url), job(url, "127.0.0.1", machine="another"))


def test_load_goes_to_addresses_that_the_master_has_too(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://gw.example.org"
    resolves(monkeypatch, "192.0.2.9", "192.0.2.7")
    pinned = where(target(url, **OWNED), job(url, "192.0.2.7", "192.0.2.8", machine="another"))
    assert pinned.addresses == ("192.0.2.7",)


def test_a_name_that_means_another_machine_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://gw.example.org"
    resolves(monkeypatch, "198.51.100.1")
    with pytest.raises(
        RefusalError, match=r"gw.example.org is 198.51.100.1 here and 192.0.2.7 at the master"
    ):
        where(target(url, **OWNED), job(url, "192.0.2.7"))


def test_the_rule_itself_holds_here_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    resolves(monkeypatch, "192.0.2.7")
    with pytest.raises(guard.GuardError, match=r"localhost .192\.0\.2\.7. is not on loopback"):
        where(target("http://localhost:80"), job("http://localhost:80", "192.0.2.7"))


def test_the_web_uis_other_url_is_judged_and_not_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(guard.GuardError, match=r"198\.51.100.1. is not on loopback"):
        where(target("http://127.0.0.1:80"), job("http://198.51.100.1:80", "198.51.100.1"))


def test_another_version_is_refused_before_anything_is_read() -> None:
    with pytest.raises(RefusalError, match=r"is version 0.* \(code \w{8}, Locust 2.*\), the master is 9.9"):
        build_job(None, {"version": "9.9"})


def test_the_version_tells_checkouts_of_one_release_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = version.version()
    assert version.version.__wrapped__() == mine
    monkeypatch.setattr(version, "ROOMS", version.ROOMS[:-1])
    assert version.version.__wrapped__() != mine


def test_processes_of_one_machine_say_the_same() -> None:
    assert version.machine() == version.machine() != ""
