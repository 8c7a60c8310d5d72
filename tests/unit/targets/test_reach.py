"""`localhost` is whichever of its addresses takes a connection; any other name is all of its addresses."""

from __future__ import annotations

from typing import Any

import pytest

from targets import reach
from targets.guard import Pinned

BOTH = ("127.0.0.1", "::1")


def pinned(host: str = "localhost", addresses: tuple[str, ...] = BOTH) -> Pinned:
    return Pinned("http", host, 8000, addresses)


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Addresses at which somebody listens."""
    found: set[str] = set()

    class Taken:
        def close(self) -> None:
            pass

    def create_connection(place: tuple[str, int], timeout: float) -> Any:
        if place[0] not in found:
            raise ConnectionRefusedError(111, "Connection refused")
        return Taken()

    monkeypatch.setattr("targets.reach.socket.create_connection", create_connection)
    return found


@pytest.mark.parametrize(
    ("there", "taken"),
    [({"127.0.0.1"}, ("127.0.0.1",)), ({"::1"}, ("::1",)), (set(BOTH), ("127.0.0.1",)), (set(), BOTH)],
)
def test_localhost_tries_both_families(listening: set[str], there: set[str], taken: tuple[str, ...]) -> None:
    listening |= there
    assert reach.answering(pinned()).addresses == taken


def test_another_name_stands_for_all_of_its_addresses(listening: set[str]) -> None:
    many = pinned("gw.example.org", ("192.0.2.1", "192.0.2.2"))
    assert reach.answering(many) == many


def test_why_not_in_the_systems_words(listening: set[str]) -> None:
    assert reach.refusal("127.0.0.1", 8000) == "Connection refused"
    listening.add("127.0.0.1")
    assert reach.refusal("127.0.0.1", 8000) == ""
