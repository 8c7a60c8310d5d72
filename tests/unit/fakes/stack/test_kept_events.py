"""A process that we end is heard first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fakes.http.hop import HopTimeout
from fakes.stack.kept_events import KeptEvents


class Peer:
    """Tells these events, or (None) nothing."""

    def __init__(self, events: list[dict[str, Any]] | None) -> None:
        self.events = events

    async def ask(
        self, command: str, body: Mapping[str, Any] | None = None, timeout_s: float = 9.0
    ) -> dict[str, Any]:
        assert (command, body) == ("state", None)
        assert timeout_s < 1
        if self.events is None:
            raise HopTimeout
        return {"events": self.events}


async def test_what_it_noted_in_each_of_its_lives_is_kept_until_the_next_run() -> None:
    origin = Peer([{"t": 1.0}])
    kept = KeptEvents({"origin-a": origin, "edge": Peer([{"t": 9.0}])})
    await kept.keep("origin-a")
    origin.events = [{"t": 2.0}]
    await kept.keep("origin-a", "postgres")
    assert kept.of == {"origin-a": [{"t": 1.0}, {"t": 2.0}]}
    kept.forget()
    assert kept.of == {}


async def test_one_that_does_not_answer_is_ended_all_the_same() -> None:
    kept = KeptEvents({"origin-a": Peer(None), "edge": Peer([{"t": 9.0}])})
    await kept.keep("origin-a", "edge")
    assert kept.of == {"edge": [{"t": 9.0}]}
