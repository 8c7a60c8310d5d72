"""A stack whose origin is the real one in a real nano, and calls to it; all on loopback."""

from __future__ import annotations

import asyncio
import json
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from fakes.http.asgi import Headers
from fakes.http.hop import Hop, HopError
from fakes.settings import StackSettings
from fakes.stack.credentials import TokenSigner
from fakes.stack.handle import StackHandle
from fakes.stack.start import start_stack

ORIGIN: Final = "origin-a"
HOUR: Final = 3600.0  # seconds: longer than anything here
SETTINGS: Final[dict[str, Any]] = {
    "parts": {"origin": "real"},
    "edge": {"forward_timeout": HOUR},
    "nano": {"restart": 1.0, "cpu_enforced": False},
    "upstreams": {"slow": {"wait": {"mean": HOUR, "high": HOUR}}, "fast": {"echo": {"mean": 0.0}}},
}
_SAMPLE: Final = re.compile(r'^(\w+)(?:\{process="origin-a"\})? (\S+)$', re.MULTILINE)


class CalibrationRig:
    """Calls to a stack, and what its origin and its nano tell."""

    def __init__(self, stack: StackHandle) -> None:
        self.stack = stack
        self._edge = _hop(stack.base_url)
        self._scraped = {name: _hop(stack.metrics[name]) for name in (ORIGIN, "stack")}
        signing = stack.signing
        self._signer = TokenSigner(signing.key, signing.kid, signing.issuer, signing.algorithm)
        self._ids = count(1)

    def headers(self, user: str, tier: str = "unlimited") -> Headers:
        """What a user's call carries."""
        bearer = f"Bearer {self._signer.token(user, HOUR, tier=tier)}".encode()
        return [(b"authorization", bearer), (b"content-type", b"application/json")]

    async def health(self) -> int:
        """The status of a health check."""
        return (await self._edge.request(b"GET", b"/health")).status

    async def rpc(self, headers: Headers, method: str, params: dict[str, Any]) -> int:
        """The status of one call."""
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        return (await self._edge.request(b"POST", b"/v1/mcp", headers, json.dumps(body).encode())).status

    async def tool(self, headers: Headers, module: str, tool: str) -> int:
        """The status of one tool call."""
        arguments = {"module": module, "tool": tool, "params": {}}
        return await self.rpc(headers, "tools/call", {"name": "run", "arguments": arguments})

    async def figures(self) -> dict[str, float]:
        """By name: the origin's, and those of its nano (`stack_cgroup_…`)."""
        found: dict[str, float] = {}
        for hop in self._scraped.values():
            text = (await hop.request(b"GET", b"/metrics")).body.decode()
            found.update((name, float(value)) for name, value in _SAMPLE.findall(text))
        return found

    def holding(self, calls: int) -> list[asyncio.Task[int]]:
        """So many more calls in flight, which no upstream answers."""
        headers = self.headers("holder")
        return [asyncio.ensure_future(self._held(headers)) for _ in range(calls)]

    async def _held(self, headers: Headers) -> int:
        with suppress(HopError):
            return await self.tool(headers, "slow", "wait")
        return 0

    def nano_events(self) -> list[tuple[float, str]]:
        """(monotonic seconds, what became of it) of the instance."""
        told = [one for one in self.stack.state()["events"] if one["name"] == "nano"]
        return [(one["monotonic"], one["detail"]["to"]) for one in told if one["detail"]["origin"] == ORIGIN]


def _hop(url: str) -> Hop:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return Hop(parts.hostname, parts.port)


@contextmanager
def running(log: Path) -> Iterator[CalibrationRig]:
    """A rig; the stack ends with it. Raises StackError where it cannot start."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # each call in flight is a connection
    stack = start_stack(StackSettings.model_validate(SETTINGS), [], log)
    try:
        yield CalibrationRig(stack)
    finally:
        stack.stop()
