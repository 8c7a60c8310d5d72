"""From finished calls to `samples-<worker>.bin`, cheaply and never more than `FLUSH_EVERY` late.

`record` packs one record into memory; `flush` gives everything packed since the last flush to the
sinks, in order. A sink is a callable that takes whole records as bytes: the file of this run, the
wire to the master, the live counters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from telemetry.recording.sample import PACK

FLUSH_EVERY: Final = 0.5
_pack: Final = PACK.pack
Sink = Callable[[bytes], None]


class Recordable(Protocol):
    """What the recorder reads of a call (`users.transport.call.Call`); times are monotonic seconds."""

    index: int
    planned: float
    sent: float
    done: float
    reset: float
    account: int
    size: int
    upstream_s: float
    retry_after: float
    limit: int
    remaining: int
    tool: int
    status: int
    reason: int
    flags: int
    instance: int
    group: int
    attempt: int
    rpc_code: int


class Recorder:
    """Packs samples with times relative to `start` (monotonic seconds)."""

    def __init__(self, start: float, sinks: list[Sink]) -> None:
        self._start = start
        self._sinks = sinks
        self._records: list[bytes] = []

    def record(self, call: Recordable, outcome: int) -> None:
        """Add one finished call."""
        start = self._start
        self._records.append(
            _pack(
                call.index,
                call.planned - start,
                call.sent - start,
                call.done - start,
                call.reset,
                call.account,
                call.size,
                call.upstream_s,
                call.retry_after,
                call.limit,
                call.remaining,
                call.tool,
                call.status,
                outcome,
                call.reason,
                call.flags,
                call.instance,
                call.group,
                call.attempt,
                call.rpc_code,
            )
        )

    def flush(self) -> None:
        """Give what was recorded to every sink."""
        if self._records:
            chunk = b"".join(self._records)
            self._records.clear()
            for sink in self._sinks:
                sink(chunk)


class Instances:
    """The table of `X-Instance-ID`s that a worker saw: name → code, kept in `instances-<worker>.jsonl`."""

    LIMIT: Final = 255

    def __init__(self, changed: Callable[[list[str]], None]) -> None:
        self.names = [""]
        self._codes: dict[bytes | None, int] = {None: 0}
        self._changed = changed

    def code(self, name: bytes | None) -> int:
        """The code of a name; 0 for none, and for names beyond the 254th."""
        found = self._codes.get(name)
        if found is not None:
            return found
        if len(self.names) >= self.LIMIT:
            return 0
        self._codes[name] = len(self.names)
        self.names.append((name or b"").decode("latin-1"))
        self._changed(self.names)
        return self._codes[name]
