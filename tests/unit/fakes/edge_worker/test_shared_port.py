"""Several sockets that listen on one port, and who of them gets a connection: the kernel's own doing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from fakes.edge_worker import shared_port
from fakes.processes.sockets import HOST, Address, PortTakenError


class Port:
    """A port with its first socket, and those that joined it."""

    def __init__(self, resources: ExitStack) -> None:
        self._resources = resources
        self.address = Address("edge")
        resources.callback(self.address.close)
        self.first = resources.enter_context(self.address.socket())
        shared_port.listen_first(self.first)
        self.sockets = [self.first]

    def join(self) -> None:
        self.sockets.append(self._resources.enter_context(shared_port.join(self.first)))

    def connect(self, count: int) -> list[int]:
        """So many connections come; who has how many that wait."""
        for _ in range(count):
            self._resources.enter_context(socket.create_connection((HOST, self.address.port)))
        return [shared_port.waiting(sock) for sock in self.sockets]


@pytest.fixture
def port() -> Iterator[Port]:
    with ExitStack() as resources:
        yield Port(resources)


def test_the_first_takes_all_until_another_is_steered_to(port: Port) -> None:
    port.join()
    port.join()
    assert port.connect(20) == [20, 0, 0]
    shared_port.steer(port.first, 2)
    assert port.connect(20) == [20, 0, 20]
    shared_port.steer(port.first, 0)
    assert port.connect(1) == [21, 0, 20]


def test_alone_it_is_a_listener_as_any(port: Port) -> None:
    assert port.connect(3) == [3]
    with pytest.raises(PortTakenError):  # nobody else's, though it can be shared
        Address("other", port.address.port)


def test_a_new_socket_waits_for_who_listened_to_be_gone(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[float] = []

    def pause(seconds: float) -> None:
        paused.append(seconds)
        if len(paused) == 3:
            port.first.close()

    monkeypatch.setattr("fakes.processes.sockets.time.sleep", pause)
    with port.address.socket() as again:
        assert again.getsockname()[1] == port.address.port
    assert len(paused) == 3


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ([0, 0, 0], 0),
        ([449, 0, 0], 0),
        ([450, 0, 0], 1),
        ([449, 800, 0], 0),
        ([900, 450, 449], 2),
        ([800, 700, 750], 1),
        ([450], 0),
    ],
)
def test_the_first_that_is_not_half_full_takes_calls_then_the_emptiest(files: list[int], place: int) -> None:
    assert shared_port.next_place(files, 1_000) == place
