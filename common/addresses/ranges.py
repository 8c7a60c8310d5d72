"""IP addresses as a person writes many of them.

addresses(["127.0.1.1-127.0.1.100", "10.0.0.7", "127.0.2.0/28"])     # in the order given, each once
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
MOST: Final = 65_536
ALLOWED: Final = "allowed: an address, a range like 127.0.1.1-127.0.1.100, a network like 127.0.2.0/28"


def addresses(texts: Iterable[str]) -> list[str]:
    """Every address that the texts name, at most `MOST`. ValueError with what is allowed."""
    return list(_named(tuple(texts)))


@cache
def _named(texts: tuple[str, ...]) -> tuple[str, ...]:
    """A run asks for the same ones where its target is read, checked, and its accounts are made."""
    found: dict[str, None] = {}
    for text in texts:
        for address in _of(text):
            found[str(address)] = None
            if len(found) > MOST:
                raise ValueError(f"{text!r}: more than {MOST:,} addresses, allowed: at most so many")
    return tuple(found)


def _of(text: str) -> Iterator[Address]:
    first, dash, last = (part.strip() for part in text.partition("-"))
    try:
        if "/" in text:
            yield from ipaddress.ip_network(text.strip())
            return
        low, high = ipaddress.ip_address(first), ipaddress.ip_address(last if dash else first)
    except ValueError:
        raise ValueError(f"{text!r}, {ALLOWED}") from None
    if low.version != high.version or int(low) > int(high):
        raise ValueError(f"{text!r}, {ALLOWED}")
    for number in range(int(low), int(high) + 1):
        yield type(low)(number)
