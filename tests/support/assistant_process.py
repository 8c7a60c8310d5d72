"""The suite's MCP server over Streamable HTTP, as a process of its own."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from cli.launch.local_workers import free_port
from common.paths import ROOT
from tests.support import needs

COMMAND: Final = (ROOT / "bin" / "resilience", "mcp")
START_TIMEOUT: Final = 120.0  # seconds, on a machine that is busy
SEE_OUT: Final = 30.0  # seconds


@contextmanager
def serving(command: Sequence[str | Path] = COMMAND) -> Iterator[str]:
    """Its URL, from when it listens; ended as by a host."""
    needs.require("assistant")
    port = free_port()
    server = subprocess.Popen([*command, "--http", "--port", str(port)], cwd=ROOT)
    try:
        _wait_for(port, server)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(SEE_OUT)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as caller:
            if not caller.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.3)
    pytest.fail("the server did not come up")
