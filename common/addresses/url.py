"""URLs, read so that no two readers can understand them differently.

Refused: anything but http and https, user info, fragments, control characters, white space,
backslashes, and every way of writing an IP address but the usual one (127.0.0.1, [::1]); the
others (2130706433, 0x7f.1, 017700000001, 127.1) mean different hosts to different programs.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

_PRINTABLE: Final = re.compile(r"[!-~]+")
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class BadUrlError(ValueError):
    """A URL that is not taken, as one clear line."""


class Url(NamedTuple):
    """`host` is lower-case and without brackets."""

    scheme: str
    host: str
    port: int
    path: str


def split_url(url: str) -> Url:
    """The parts of an http(s) URL. Raises BadUrlError."""
    shown = f"{shown_url(url)!r:.80}"
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise BadUrlError(f"{shown}, allowed: a URL of plain ASCII without blanks and backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadUrlError(f"{shown}: {error}, allowed: http(s)://host:port") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise BadUrlError(f"{shown}, allowed: http://host or https://host")
    if "@" in parts.netloc:
        raise BadUrlError("user info in the URL, allowed: none (use auth or headers)")
    if "#" in url or port == 0 or parts.netloc.endswith(":"):
        raise BadUrlError(f"{shown}, allowed: no fragment, and no port or one of 1 to 65535")
    host = checked_host(parts.hostname.lower(), bracketed="[" in parts.netloc)
    return Url(parts.scheme, host, port or DEFAULT_PORTS[parts.scheme], parts.path)


def shown_url(url: str) -> str:
    """`url` as it may be shown: without its query, in which keys stand, and without user info."""
    return shown_path(re.sub(r"(//)?[^/?#]*@", r"\1***@", url, count=1))


def shown_path(path: str) -> str:
    """A URL's path as it may be shown: without its query. What stands before an `@` in it is no user info."""
    return re.sub(r"[?].*", "?***", path, flags=re.DOTALL)


def checked_host(host: str, bracketed: bool = False) -> str:
    """`host` if it is a DNS name or an IP address in its usual form. Raises BadUrlError."""
    if bracketed or ":" in host:
        return _checked_ipv6(host)
    labels = host.removesuffix(".").split(".")
    if labels[-1].isdigit() or labels[-1].startswith("0x"):
        return _checked_ipv4(host)
    if host.endswith(".") or len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise BadUrlError(f"host {host!r:.80}, allowed: a DNS name or an IP address")
    return host


def _checked_ipv4(host: str) -> str:
    try:
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        raise BadUrlError(
            f"host {host!r:.80}, allowed: an IPv4 address as four plain decimal numbers"
        ) from None


def _checked_ipv6(host: str) -> str:
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        raise BadUrlError(f"host {host!r:.80}, allowed: an IPv6 address in brackets") from None
    if address.scope_id or address.ipv4_mapped:
        raise BadUrlError(
            f"host {host!r:.80}, allowed: an IPv6 address without a zone, not an IPv4 one in disguise"
        )
    return str(address)


def is_loopback_name(host: str) -> bool:
    """The host is this machine by its very name: `localhost`, 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
