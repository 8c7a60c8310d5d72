"""Connections for InfluxDB's client, which by itself reads all that comes, however long, and as UTF-8."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from urllib3 import PoolManager

from telemetry.delivery.answer_body import read_body


class PoolAnswer(NamedTuple):
    """What the client asks of an answer."""

    status: int
    reason: str | None
    headers: Mapping[str, str]
    data: bytes  # of UTF-8, whatever came


class BoundedPool:
    """Stands for the client's pool: its answers are read by `telemetry.delivery.answer_body`."""

    def __init__(self, pool: PoolManager) -> None:
        self._pool = pool

    def request(self, method: str, url: str, **given: Any) -> PoolAnswer:
        """As the pool's, within the `total` of the `timeout` that is given. Raises TimeoutError, too."""
        deadline = time.monotonic() + given["timeout"].total
        answer = self._pool.request(method, url, **{**given, "preload_content": False})
        text = read_body(answer, deadline).decode(errors="replace")
        return PoolAnswer(answer.status, answer.reason, answer.headers, text.encode())

    def clear(self) -> None:
        """Close the connections."""
        self._pool.clear()
