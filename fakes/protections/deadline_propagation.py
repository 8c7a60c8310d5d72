"""`deadline-propagation`: nothing is begun, or carried on, for a caller who will be gone by then.

A caller says in `X-Request-Timeout` how many seconds it waits; the edge passes that on as any header. The
origin refuses at once (504) what stands behind so much work for its CPU that it could not be answered in
time, `margin` seconds for the call itself included, at the share `cost` of a request's CPU (an assumption).
It ends a call so many seconds after it came, also within a session of the legacy era, in which leaving alone
ends nothing. Without the header nothing changes. Without the margin the queue would settle at the very
patience of the callers, and every answer come a moment too late.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

NAME: Final = "deadline-propagation"
HEADER: Final = b"x-request-timeout"


def told(headers: Iterable[tuple[bytes, bytes]]) -> float | None:
    """Seconds that the caller waits; None where it does not say, or says nothing that is a time."""
    for name, value in headers:
        if name == HEADER:
            try:
                seconds = float(value)
            except ValueError:
                return None
            return seconds if 0 < seconds < float("inf") else None
    return None


def passes(headers: Iterable[tuple[bytes, bytes]], delay: float, margin: float) -> bool:
    """Whether its caller is gone before a request is answered, `margin` after a wait of `delay` seconds."""
    seconds = told(headers)
    return seconds is not None and delay + margin >= seconds
