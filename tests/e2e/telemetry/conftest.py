"""What the tests of every database share; each file has a fixture `server` of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import pytest

from tests.support.influx.fault_proxy import FaultProxy


class Listening(Protocol):
    """A server's port."""

    port: int


@pytest.fixture
def proxy(server: Listening) -> Iterator[FaultProxy]:
    """A way to the server that can be in trouble."""
    found = FaultProxy(server.port)
    yield found
    found.close()
