"""Locust's wire between master and workers; in a single process, plain calls.

One object on the leading side: who the workers are, how to say something to one, what to do with what
they say (`hear`: message → handler, new with each run). On a worker, `listen` answers the conductor.

Locust connects both before their locustfiles have said what they listen to. So a worker says `load.hello` as
soon as it listens, and a master asks for it (`load.greet`) when it does: only then is a worker one of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from users.cluster.performer import Performer

Heard = dict[str, Callable[[dict[str, Any], str], None]]
FROM_WORKERS = ("load.prepared", "load.clock-told", "load.entry")
HELLO, GREET = "load.hello", "load.greet"
LOCAL = "local"


class Wire:
    """What the conductor needs of Locust."""

    hear: Heard

    def nodes(self) -> list[tuple[str, str]]:
        """(Locust's id, our name) of each live worker that listens, in the order of its rank."""
        raise NotImplementedError

    def silent(self) -> set[str]:
        """The ids of live workers that do not listen to us, or not yet."""
        return set()

    def send(self, kind: str, data: dict[str, Any], node: str) -> None:
        """Say something to a worker."""
        raise NotImplementedError

    def alive(self) -> set[str]:
        """The ids of the workers whose heartbeat is heard."""
        raise NotImplementedError


class LocalWire(Wire):
    """One process is both sides."""

    def __init__(self, make_performer: Callable[[Callable[[str, dict[str, Any]], None]], Performer]) -> None:
        """`make_performer(reply)` makes the loading side."""
        self.hear = {}
        self.performer = make_performer(lambda kind, data: self.hear[kind](data, LOCAL))

    def nodes(self) -> list[tuple[str, str]]:
        """This process."""
        return [(LOCAL, LOCAL)]

    def send(self, kind: str, data: dict[str, Any], node: str) -> None:
        """Call the loading side."""
        self.performer.handlers()[kind](data)

    def alive(self) -> set[str]:
        """This process, always."""
        return {LOCAL}


class MasterWire(Wire):
    """Locust's master."""

    def __init__(self, runner: Any) -> None:
        self.hear = {}
        self.greet: Callable[[str], None] = lambda node: None  # what to do with a worker that came
        self._runner = runner
        self._listening: set[str] = set()
        runner.register_message(HELLO, self._on_hello)
        for kind in FROM_WORKERS:
            runner.register_message(kind, self._listener(kind))
        for client in self.alive():
            self.send(GREET, {}, client)

    def nodes(self) -> list[tuple[str, str]]:
        """By Locust's worker index, which only ever grows."""
        index = self._runner.get_worker_index
        live = sorted(self.alive() & self._listening, key=index)
        return [(client, f"w{index(client)}") for client in live]

    def send(self, kind: str, data: dict[str, Any], node: str) -> None:
        """Over Locust's socket."""
        self._runner.send_message(kind, data, node)

    def silent(self) -> set[str]:
        """By their hello."""
        return self.alive() - self._listening

    def _on_hello(self, environment: Any, msg: Any, **_: Any) -> None:
        self._listening.add(msg.node_id)
        self.greet(msg.node_id)

    def alive(self) -> set[str]:
        """Who is not missing."""
        return {client.id for client in self._runner.clients.all if client.state != "missing"}

    def _listener(self, kind: str) -> Callable[..., None]:
        def heard(environment: Any, msg: Any, **_: Any) -> None:
            if kind in self.hear:
                self.hear[kind](msg.data, msg.node_id)

        return heard


def listen(runner: Any, performer: Performer) -> None:
    """On a worker: give the conductor's messages to the performer."""
    for kind, handle in performer.handlers().items():

        def told(environment: Any, msg: Any, handle: Any = handle, **_: Any) -> None:
            handle(msg.data)

        runner.register_message(kind, told)
    runner.register_message(GREET, lambda **_: runner.send_message(HELLO, {}))
    runner.send_message(HELLO, {})
