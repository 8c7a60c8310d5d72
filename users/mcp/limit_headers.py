"""What an answer's headers say of limits and waiting, in the forms that servers use.

    Retry-After          seconds, or a date, held against the answer's own `Date`
    X-RateLimit-Limit, -Remaining, -Reset; RateLimit-Limit, …     whole numbers; Reset as Unix seconds, Unix
                         milliseconds, seconds to wait, or a date
    RateLimit: limit=5, remaining=0, reset=1       RateLimit: "burst";r=0;t=1 with RateLimit-Policy: …;q=5

`reset` is given in Unix seconds; numbers that fit no field of a sample, or are none, as NaN and −1.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from users.transport.call import NAN, Call

_MAX_WHOLE: Final = 2**31 - 1
_MAX_FLOAT: Final = 1e30
_LONGEST_WAIT: Final = 366 * 86400.0  # seconds: a larger number is a time of the calendar
_MILLISECONDS: Final = 1e11  # as Unix seconds that is the year 5138
_MEMBER: Final = re.compile(rb"(?:^|[,;\s])(limit|remaining|reset|r|t|q)\s*=\s*([0-9]+)", re.IGNORECASE)
Headers = Mapping[bytes, bytes]


def _names(what: str) -> tuple[bytes, ...]:
    return tuple(f"{kind}-{what}".encode() for kind in ("x-ratelimit", "x-rate-limit", "ratelimit"))


_LIMIT: Final = _names("limit")
_REMAINING: Final = _names("remaining")
_RESET: Final = _names("reset")
_READ: Final = frozenset((b"retry-after", b"ratelimit", b"ratelimit-policy", *_LIMIT, *_REMAINING, *_RESET))


def read_limits(call: Call, clock: Callable[[], float] = time.time) -> None:
    """Note what the headers of an answered call say; `clock` gives Unix seconds.

    Where they say nothing the call stays as it was made: nothing known.
    """
    headers = call.headers
    if _READ.isdisjoint(headers):
        return
    call.retry_after = retry_after(headers)
    told = _members(headers)
    call.limit = _first_whole(headers, _LIMIT, told.get(b"limit", told.get(b"q")))
    call.remaining = _first_whole(headers, _REMAINING, told.get(b"remaining", told.get(b"r")))
    value = _first(headers, _RESET) or told.get(b"reset", told.get(b"t"))
    call.reset = NAN if value is None else reset_at(value, clock)


def retry_after(headers: Headers) -> float:
    """Seconds of `Retry-After`; NaN if absent, or a date of which nobody says what time it is there."""
    value = headers.get(b"retry-after")
    seconds = number(value)
    if value is None or not math.isnan(seconds):
        return seconds
    return date(value) - date(headers.get(b"date", b""))


def reset_at(value: bytes, clock: Callable[[], float]) -> float:
    """When a window ends, in Unix seconds, whichever way it is written; NaN if it is none."""
    found = number(value)
    if math.isnan(found):
        return date(value)
    if found >= _MILLISECONDS:
        return found / 1000
    return found if found > _LONGEST_WAIT else clock() + found


def number(value: bytes | None) -> float:
    """A header's number; NaN if it is absent, is none, or fits no field of a sample."""
    if value is None:
        return NAN
    try:
        found = float(value)
    except ValueError:
        return NAN
    return found if -_MAX_FLOAT < found < _MAX_FLOAT else NAN


def whole_number(value: bytes | None) -> int:
    """A header's whole number; −1 if it is absent, is none, or fits no field of a sample."""
    if value is None:
        return -1
    try:
        return fitting(int(value), -1)
    except ValueError:
        return -1


def fitting(value: int, otherwise: int) -> int:
    """`value` if a sample's 32-bit field can hold it."""
    return value if -_MAX_WHOLE <= value <= _MAX_WHOLE else otherwise


def _first(headers: Headers, names: tuple[bytes, ...]) -> bytes | None:
    for name in names:
        if (value := headers.get(name)) is not None:
            return value
    return None


def _first_whole(headers: Headers, names: tuple[bytes, ...], otherwise: bytes | None) -> int:
    """`RateLimit-Limit: 5, 5;w=1` says 5."""
    value = _first(headers, names)
    return whole_number(otherwise if value is None else re.split(rb"[,;]", value, maxsplit=1)[0].strip())


def _members(headers: Headers) -> dict[bytes, bytes]:
    """The first of each parameter of `RateLimit` and `RateLimit-Policy`."""
    text = headers.get(b"ratelimit", b"") + b"," + headers.get(b"ratelimit-policy", b"")
    found: dict[bytes, bytes] = {}
    for name, value in _MEMBER.findall(text) if len(text) > 1 else ():
        found.setdefault(name.lower(), value)
    return found


def date(value: bytes) -> float:
    """Unix seconds of a date as HTTP writes them; NaN if it is none."""
    try:
        return parsedate_to_datetime(value.decode("ascii")).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return NAN
