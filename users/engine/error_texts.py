"""What failed calls were told: each kind of text with its count and its first example, for the report.

Samples hold a reason's number, not its words. A kind is a status, a reason and a text, whatever ids and
numbers stand in it. At most `MAX_KINDS` of a process are told apart; a line of a kind is `{"t", "reason",
"status", "code", "message", "detail", "kind", "count"}`: of its first example, with the number of calls so
far. The last line of a kind is the true one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from telemetry.recording.sample import REASONS
from users.mcp.words import words
from users.transport.call import Call

MAX_KINDS: Final = 50


class ErrorTexts:
    """Gives a kind to `sink` when it is first seen, and again by `flush` when there were more of it."""

    def __init__(self, sink: Callable[[dict[str, Any]], None]) -> None:
        self._sink = sink
        self._kinds: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._grown: set[tuple[Any, ...]] = set()

    def see(self, call: Call, t: float) -> None:
        """Look at a failed call that was answered; `t` in seconds since start."""
        said = words(call)
        kind = (call.reason, call.status, said.kind)
        if (line := self._kinds.get(kind)) is not None:
            line["count"] += 1
            self._grown.add(kind)
        elif len(self._kinds) < MAX_KINDS:
            about = {"reason": REASONS[call.reason], "status": call.status}
            text = {**about, **said._asdict(), "kind": said.kind, "count": 1}
            self._kinds[kind] = {"t": round(t, 3), **text}
            self._sink(dict(self._kinds[kind]))

    def flush(self) -> None:
        """Tell the counts that grew."""
        for kind in self._grown:
            self._sink(dict(self._kinds[kind]))
        self._grown.clear()
