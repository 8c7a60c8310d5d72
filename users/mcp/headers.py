"""The headers of a request, and what those of an answer mean."""

from __future__ import annotations

import re
from typing import Final

from common.mcp_versions import NO_HEADER
from users.mcp.content_encoding import asked
from users.mcp.limit_headers import number, read_limits
from users.transport.call import NAN, Call

SESSION: Final = b"mcp-session-id"
INSTANCE: Final = b"x-instance-id"  # which instance of the target answered
_READ: Final = 4096  # bytes of Server-Timing that are looked at: many open quotes cost the square of them
_METRICS: Final = re.compile(rb'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_PARTS: Final = re.compile(rb'(?:[^;"]|"(?:[^"\\]|\\.)*")+')


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
        accept = [value for name, value in headers.items() if name.lower() == "accept-encoding"]
        self.encodings = asked(",".join(accept))  # of contents, as the target file asks for them
        self._start = f"POST {path} HTTP/1.1\r\n{lines}".encode("latin-1")
        self._auth = f"{auth_header}: ".encode("latin-1")
        self._ip = f"{client_ip_header}: ".encode("latin-1") if client_ip_header else b""

    def of(self, ip: str, token: bytes, session: bytes = b"", version: bytes = b"") -> bytes:
        """All header lines of a request by the account at `ip`, but Content-Length and the message's own."""
        lines = [self._start]
        if token:
            lines += [self._auth, token, b"\r\n"]
        if self._ip:
            lines += [self._ip, ip.encode("ascii"), b"\r\n"]
        if session:
            lines += [b"Mcp-Session-Id: ", session, b"\r\n"]
        if version and version != NO_HEADER.encode():
            lines += [b"MCP-Protocol-Version: ", version, b"\r\n"]
        return b"".join(lines)


def read_headers(call: Call) -> None:
    """Note what the headers of an answered call say of limits and times."""
    call.upstream_s = upstream_seconds(call.headers)
    read_limits(call)


def upstream_seconds(headers: dict[bytes, bytes]) -> float:
    """The upstream's own time by `Server-Timing: upstream;dur=<ms>`; NaN if not told.

    metric *( "," metric ), metric = name *( ";" parameter ); values may be quoted, names are in any case.
    """
    told = headers.get(b"server-timing")
    for metric in () if told is None else _METRICS.findall(told[:_READ]):
        name, *parameters = _PARTS.findall(metric) or [b""]  # a lone semicolon has no parts
        if name.strip() == b"upstream":
            for parameter in parameters:
                key, _, value = parameter.partition(b"=")
                if key.strip().lower() == b"dur":
                    return number(value.strip().strip(b'"')) / 1000
    return NAN
