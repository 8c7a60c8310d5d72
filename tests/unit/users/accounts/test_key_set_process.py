"""The connections of whoever fetches our key set: kept alive, so many at most, and not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from users.accounts.key_set_process import IDLE_TIMEOUT, MAX_CONNECTIONS, KeyConnection, PublishedKeys

FETCH = b"GET /keys HTTP/1.1\r\nHost: t\r\n\r\n"


class Wire:
    """A transport that notes what becomes of it."""

    def __init__(self) -> None:
        self.sent, self.closed = b"", False

    def write(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True


class Timers:
    """A loop whose timers are run by hand."""

    def __init__(self) -> None:
        self.due: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, seconds: float, action: Callable[[], None]) -> Any:
        timer = (seconds, action)
        self.due.append(timer)

        class Handle:
            def cancel(handle) -> None:  # noqa: N805
                self.due.remove(timer)

        return Handle()


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> Timers:
    made = Timers()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: made)
    return made


def connected(keys: PublishedKeys) -> tuple[KeyConnection, Wire]:
    connection, wire = KeyConnection(keys), Wire()
    connection.connection_made(cast(asyncio.BaseTransport, wire))
    return connection, wire


@pytest.fixture
def keys() -> PublishedKeys:
    return PublishedKeys("/keys", b"{}")


def test_a_connection_is_kept_for_the_next_fetch(keys: PublishedKeys, timers: Timers) -> None:
    connection, wire = connected(keys)
    connection.data_received(FETCH + FETCH[:9])
    connection.data_received(FETCH[9:])
    assert (keys.fetches, wire.sent.count(b"200 OK"), wire.closed) == (2, 2, False)
    connection.data_received(FETCH.replace(b"Host: t", b"Connection: close"))
    assert (keys.fetches, wire.closed) == (3, True)


def test_one_too_many_is_closed(keys: PublishedKeys, timers: Timers) -> None:
    wires = [connected(keys)[1] for _ in range(MAX_CONNECTIONS)]
    assert not any(wire.closed for wire in wires)
    connection, wire = connected(keys)
    assert wire.closed
    connection.connection_lost(None)
    assert keys.open == MAX_CONNECTIONS


def test_one_that_asks_nothing_is_closed_in_time(keys: PublishedKeys, timers: Timers) -> None:
    connection, wire = connected(keys)
    connection.data_received(FETCH)
    ((seconds, action),) = timers.due  # counted anew from each request
    assert (seconds, wire.closed) == (IDLE_TIMEOUT, False)
    action()
    assert wire.closed


def test_a_request_without_an_end_is_cut(keys: PublishedKeys, timers: Timers) -> None:
    connection, wire = connected(keys)
    connection.data_received(b"x" * 20_000)
    assert wire.closed
