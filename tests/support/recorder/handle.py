"""Start one of these servers in its own process, ask it for its counts, end it by its pid."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from common.paths import ROOT
from tests.support.recorder.certificates import Chain
from tests.support.recorder.record import Recording

END_WITHIN: Final = 20.0


class Handle:
    """A running server: `port`, `pid`, `stats()`, `stop()`; it ends when this process does."""

    def __init__(self, module: str, *arguments: str, within: Sequence[str] = ()) -> None:
        """`within`: what its command begins with, where it runs on a made machine."""
        # its stdin is a pipe of ours: when we die, however, the pipe ends and so does the server
        command = [*within, sys.executable, "-m", module, *arguments]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise RuntimeError(f"{module} did not start")
        self.port, self.pid = int(line), self._process.pid
        self.stats_port, self.stats_host = self.port, "127.0.0.1"

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stats(self) -> Any:
        """The server's own counts, as it tells them at `/_stats`."""
        connection = http.client.HTTPConnection(self.stats_host, self.stats_port, timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", "/_stats")
            return json.load(connection.getresponse())

    def stop(self) -> None:
        """End the process and wait for it; harmless when it already ended."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(END_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


class Recorder(Handle):
    """A recording server with its answer's delay in seconds."""

    def __init__(
        self,
        folder: Path,
        delay: float,
        host: str = "127.0.0.1",
        within: Sequence[str] = (),
        header: str = "CF-Connecting-IP",
    ) -> None:
        """`header`: what it takes for an address."""
        self._folder = folder
        given = ("--out", str(folder), "--delay", str(delay), "--host", host, "--ip-header", header)
        super().__init__("tests.support.recorder.server", *given, within=within)

    def recording(self) -> Recording:
        """End the server and read what it saw."""
        self.stop()
        return Recording.load(self._folder)


class Nasty(Handle):
    """A server that misbehaves: by path, or by `on_connect` on every connection."""

    def __init__(self, on_connect: str | None = None, chain: Chain | None = None) -> None:
        connecting = ("--on-connect", on_connect) if on_connect else ()
        tls = ("--tls", str(chain.cert), str(chain.key)) if chain else ()
        self._scheme = "https" if chain else "http"
        super().__init__("tests.support.recorder.nasty", *connecting, *tls)
        assert self._process.stdout
        self.stats_port = int(self._process.stdout.readline())

    @property
    def base_url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"


@contextlib.contextmanager
def nasty(on_connect: str | None = None, chain: Chain | None = None) -> Iterator[Nasty]:
    """A misbehaving server for the length of a `with` block."""
    handle = Nasty(on_connect, chain)
    try:
        yield handle
    finally:
        handle.stop()


@contextlib.contextmanager
def recorder(delay: float = 3.0, header: str = "CF-Connecting-IP") -> Iterator[Recorder]:
    """A recorder for the length of a `with` block; `header`: what it takes for an address."""
    with tempfile.TemporaryDirectory(prefix="recorder-") as folder:
        handle = Recorder(Path(folder), delay, header=header)
        try:
            yield handle
        finally:
            handle.stop()
