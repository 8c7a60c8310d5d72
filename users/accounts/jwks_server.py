"""Publishes the public key at /.well-known/jwks.json, for a target that fetches it from us.

In a process of its own (`users.accounts.key_set_process`): a target may fetch the key for each request, and
then what it waits for us would be taken for its own time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Final

from gevent import socket

from common.errors import ConfigError
from common.paths import ROOT
from common.secrets.environment import minimal
from targets.auth import host_and_port

PATH: Final = "/.well-known/jwks.json"
END_WITHIN: Final = 2.0  # seconds


class JwksServer:
    """Serves `jwks` at `place` ("127.0.0.1:9999"; port 0: any free one) from `start` to `stop`."""

    def __init__(self, place: str, jwks: dict[str, Any]) -> None:
        self._place = place
        self._body = json.dumps(jwks)
        self._process: subprocess.Popen[str] | None = None
        self._last = 0
        self.url = ""  # where the key is, once started

    @property
    def fetches(self) -> int:
        """How often the key was fetched so far."""
        if self._process is not None:
            self._last = self._asked(self._process, "\n")
        return self._last

    def start(self) -> None:
        """Bind and serve; it answers when this returns. ConfigError when the place is taken or not ours."""
        listener = _bound(self._place)
        host, port = listener.getsockname()[:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH}"
        descriptor = os.dup(listener.fileno())
        listener.close()
        command = [sys.executable, "-m", "users.accounts.key_set_process", str(descriptor), PATH]
        try:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                pass_fds=(descriptor,), env=minimal(), process_group=0,
            )  # fmt: skip
        finally:
            os.close(descriptor)
        self._asked(self._process, f"{self._body}\n")

    def stop(self) -> None:
        """End the process. Safe to repeat."""
        if self._process is None:
            return
        self._last, process = self.fetches, self._process
        self._process = None
        _end(process)

    def _asked(self, process: subprocess.Popen[str], line: str) -> int:
        """Say a line; the number that is answered, or the last one where nobody answers any more."""
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(line)
            process.stdin.flush()
            return int(process.stdout.readline())
        except (OSError, ValueError):
            return self._last


def _end(process: subprocess.Popen[str]) -> None:
    try:
        process.communicate(timeout=END_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def check_place(place: str) -> None:
    """It can be bound now. ConfigError when it is taken or not ours."""
    _bound(place).close()


def _bound(place: str) -> Any:
    try:
        return _listener(*host_and_port(place))
    except OSError as error:
        text = f"{place}: {error.strerror}, allowed: a free port on an address of this machine"
        raise ConfigError("target", "auth.serve_jwks", text) from None


def _listener(host: str, port: int) -> Any:
    """A listening socket; OSError, and nothing left open, when it cannot be had."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener
