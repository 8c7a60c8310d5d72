"""Each tool as fast as it goes: requests per CPU second of the client process alone."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path

from bench.nginx import Server, nginx
from bench.peers import CONNECTIONS, TOOLS, Speed


def measure(repeats: int, seconds: float, tools: list[str]) -> dict[str, list[Speed]]:
    """Runs of every tool, interleaved, so that a slow minute of the machine hits all alike."""
    runs: defaultdict[str, list[Speed]] = defaultdict(list)
    with nginx() as server, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for _ in range(repeats):
            for tool in tools:
                runs[tool].append(_checked(tool, server, seconds, Path(folder)))
    return runs


def _checked(tool: str, server: Server, seconds: float, folder: Path) -> Speed:
    """One run; RuntimeError when the tool says other than the server's own count."""
    before = server.requests()
    speed = TOOLS[tool](server.url, seconds, folder)
    seen = server.requests() - before - 1
    # requests on their way at the end are seen and not answered
    if not speed.requests <= seen <= speed.requests + 2 * CONNECTIONS:
        raise RuntimeError(f"{tool} counts {speed.requests} requests, the server saw {seen}")
    return speed
