"""Ids of W3C traces, by arithmetic: a call's follow from its run and arrival, so that either finds the other.

    trace id      the run's half (`trace` of run.json), then spread(number)       32 hexadecimal digits
    span id       spread(number + attempt · 2^56)                                 16
    traceparent   00-<trace id>-<span id>-01

The run itself is number 1, arrival i is number i + 2. Repeats of an arrival are spans of its trace. A call
that belongs to no arrival has a number above 2^63, by its account and its request id. `spread` multiplies by
an odd number modulo 2^64: no two numbers have one id, and who samples by an id's bits finds them even.
"""

from __future__ import annotations

import hashlib
from typing import Final, Protocol

RUN: Final = 1
_FIRST: Final = 2
_BEYOND: Final = 1 << 63
_GOLDEN: Final = 0x9E3779B97F4A7C15  # 2^64 divided by the golden ratio, odd (Knuth)
_MASK: Final = (1 << 64) - 1


class TracedCall(Protocol):
    """What is read of a call (`users.transport.call.Call`)."""

    @property
    def index(self) -> int:
        """Its arrival; −1 for an extra call, below for one that belongs to an arrival."""
        ...

    @property
    def account(self) -> int:
        """Whose it is."""
        ...

    @property
    def request_id(self) -> int:
        """Its JSON-RPC id."""
        ...

    @property
    def attempt(self) -> int:
        """How many came before it for its arrival."""
        ...


def spread(number: int) -> int:
    """Another number for each number, below 2^64; 0 for 0 alone."""
    return number * _GOLDEN & _MASK


def run_half(trace: str, run: str, start_wall: float) -> str:
    """The first half of all trace ids of a run: `trace`, or what an older run without one is given."""
    return trace or hashlib.sha256(f"{run}\n{start_wall!r}".encode()).hexdigest()[:16]


def run_trace(half: str) -> str:
    """The id of the run's own trace."""
    return f"{half}{spread(RUN):016x}"


def arrival_trace(half: str, arrival: int) -> str:
    """The id of an arrival's trace."""
    return f"{half}{spread(arrival + _FIRST):016x}"


def part_span(name: str) -> str:
    """The id of a span of the run's own trace, by its name there."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


class TraceIds:
    """Makes the `traceparent` of each call of a run."""

    def __init__(self, half: str) -> None:
        self._begin = f"00-{half}"

    def of(self, call: TracedCall) -> bytes:
        """The header's value for a call that has its request id; always of one length."""
        index = call.index
        if index >= 0:
            number = index + _FIRST
        elif index < -1:  # as `telemetry.recording.sample.of_intent`
            number = -index
        else:
            number = _BEYOND | call.account << 40 | call.request_id
        own = span = f"{number * _GOLDEN & _MASK:016x}"
        if call.attempt:
            span = f"{(number + (call.attempt << 56)) * _GOLDEN & _MASK:016x}"
        return f"{self._begin}{own}-{span}-01".encode()
