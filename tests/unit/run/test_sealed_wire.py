"""The secret of the wire: where it is needed, what follows from it, and who is counted as a stranger."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gevent
import pytest
import zmq
from gevent.pool import Group
from locust.runners import MasterRunner

from common.errors import ConfigError
from run.workers import sealed_wire
from run.workers.sealed_wire import Strangers, guard, key_pair
from run.workers.wire_secret import SHORTEST, VARIABLE, check, take


def test_the_secret_leaves_the_environment() -> None:
    environment = {VARIABLE: "x" * SHORTEST, "HOME": "/"}
    assert take(environment) == "x" * SHORTEST
    assert environment == {"HOME": "/"}
    assert take(environment) == ""


def test_a_short_secret_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError, match=f"{VARIABLE}: 15 characters, allowed: 16 or more") as raised:
        take({VARIABLE: "s3cret-s3cret-x"})
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
def test_loopback_needs_none(host: str) -> None:
    check(host, {})


@pytest.mark.parametrize("host", ["0.0.0.0", "*", "::", "10.0.0.5", "resilience-master", ""])
def test_off_loopback_it_is_required(host: str) -> None:
    check(host, {VARIABLE: "x" * SHORTEST})
    with pytest.raises(ConfigError, match=f"{VARIABLE}: is missing, allowed: the same text"):
        check(host, {})


def test_keys_are_the_same_for_the_same_secret_alone() -> None:
    found = {key_pair(secret, whose) for secret in ("a" * 16, "b" * 16) for whose in ("master", "worker")}
    assert len(found) == 4
    assert key_pair("a" * 16, "master") in found
    for public, private in found:
        assert zmq.curve_public(private) == public
        assert len({public, private}) == 2


def test_strangers_are_counted_and_said_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    strangers = Strangers(lambda: now)
    for now in (0.0, 1.0, 59.0, 60.0):  # noqa: B007 - the clock reads it
        strangers.came("rubbish")
    assert strangers.count == 4
    said = [record.getMessage() for record in caplog.records]
    assert said == ["ignored: rubbish; 1 so far", "ignored: rubbish; 4 so far"]


class Runner(MasterRunner):
    """A master without its socket: it listens to what the test says."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.greenlet = Group()
        self.ends = gevent.event.Event()
        self.greenlet.spawn(self.client_listener)

    def client_listener(self) -> Any:
        self.ends.wait()
        raise OSError("no socket")

    def handle_message(self, client_id: str, msg: Any) -> None:
        self.said.append(msg.data["state"])


def test_a_message_that_means_nothing_is_counted_and_a_dead_listener_is_told() -> None:
    runner, died = Runner(), list[str]()
    gevent.sleep(0)
    guard(runner, died.append)
    before = sealed_wire.STRANGERS.count
    for data in ({"state": "ready"}, None, {}, 7):
        runner.handle_message("w", SimpleNamespace(type="heartbeat", data=data))
    assert runner.said == ["ready"]
    assert sealed_wire.STRANGERS.count == before + 3
    runner.ends.set()
    gevent.sleep(0.01)
    assert died == ["Locust's listener ended: OSError('no socket')"]
