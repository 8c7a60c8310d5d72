"""The headers of a request, and what those of an answer mean: numbers that fit into a sample."""

from __future__ import annotations

from typing import Final

from users.transport.call import NAN, Call

SESSION: Final = b"mcp-session-id"
INSTANCE: Final = b"x-instance-id"  # which instance of the target answered
_MAX_WHOLE: Final = 2**31 - 1
_MAX_FLOAT: Final = 1e30


class RequestHeaders:
    """The header lines that every request of the run shares, and how an account's own join them."""

    def __init__(
        self,
        path: str,
        host: str,
        headers: dict[str, str],
        *,
        auth_header: str = "Authorization",
        client_ip_header: str | None = None,
    ) -> None:
        fixed = {
            "Host": host,
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            **headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in fixed.items())
        self._start = f"POST {path} HTTP/1.1\r\n{lines}".encode("latin-1")
        self._auth = f"{auth_header}: ".encode("latin-1")
        self._ip = f"{client_ip_header}: ".encode("latin-1") if client_ip_header else b""

    def of(self, ip: str, token: bytes, session: bytes) -> bytes:
        """All header lines of a request by the account at `ip`, but Content-Length."""
        lines = [self._start]
        if token:
            lines += [self._auth, token, b"\r\n"]
        if self._ip:
            lines += [self._ip, ip.encode("ascii"), b"\r\n"]
        if session:
            lines += [b"Mcp-Session-Id: ", session, b"\r\n"]
        return b"".join(lines)


def read_headers(call: Call) -> None:
    """Note what the headers of an answered call say of limits and times; most answers have few of them."""
    headers = call.headers
    if b"server-timing" in headers:
        call.upstream_s = upstream_seconds(headers[b"server-timing"])
    if b"retry-after" in headers:  # seconds, or a date, which is no number
        call.retry_after = number(headers[b"retry-after"])
    if b"x-ratelimit-reset" in headers:
        call.reset = number(headers[b"x-ratelimit-reset"])
    if b"x-ratelimit-limit" in headers:
        call.limit = whole_number(headers[b"x-ratelimit-limit"])
    if b"x-ratelimit-remaining" in headers:
        call.remaining = whole_number(headers[b"x-ratelimit-remaining"])


def number(value: bytes) -> float:
    """A header's number; NaN if it is none, or fits no field of a sample."""
    try:
        found = float(value)
    except ValueError:
        return NAN
    return found if -_MAX_FLOAT < found < _MAX_FLOAT else NAN


def whole_number(value: bytes) -> int:
    """A header's whole number; −1 if it is none, or fits no field of a sample."""
    try:
        return fitting(int(value), -1)
    except ValueError:
        return -1


def fitting(value: int, otherwise: int) -> int:
    """`value` if a sample's 32-bit field can hold it."""
    return value if -_MAX_WHOLE <= value <= _MAX_WHOLE else otherwise


def upstream_seconds(timing: bytes) -> float:
    """The upstream's own time by `Server-Timing: upstream;dur=<ms>`; NaN if not told."""
    for metric in timing.split(b","):
        name, _, rest = metric.strip().partition(b";")
        if name == b"upstream" and rest.startswith(b"dur="):
            return number(rest[4:].partition(b";")[0]) / 1000
    return NAN
