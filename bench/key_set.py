"""What a fetch of our key set takes, in turns with nginx: `python -m bench.key_set [FETCHES]`.

A gateway may fetch it for each request; what it waits for us is then taken for its own time. Each fetch over
a kept connection and over a new one, by the same client; prints milliseconds at p50 and p99.
"""

from __future__ import annotations

import http.client
import sys
import time
from typing import Final
from urllib.parse import urlsplit

import numpy as np

from bench.nginx import nginx
from users.accounts.jwks_server import JwksServer
from users.accounts.keys import fresh_key

FETCHES: Final = 2000


def fetch(connection: http.client.HTTPConnection, path: str) -> float:
    """Milliseconds to the last byte."""
    began = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200
    return (time.perf_counter() - began) * 1000


def fetched_anew(port: int, path: str) -> float:
    """Milliseconds from before the connection is opened."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    fetch(connection, path)
    connection.close()
    return (time.perf_counter() - began) * 1000


def main(fetches: int) -> None:
    """Measure and print."""
    keys = JwksServer("127.0.0.1:0", fresh_key("EdDSA", "key-1").jwks())
    keys.start()
    try:
        with nginx() as plain:
            url = urlsplit(keys.url)
            servers = {"ours": (url.port or 0, url.path), "nginx": (plain.port, "/")}
            kept = {
                name: http.client.HTTPConnection("127.0.0.1", port) for name, (port, _) in servers.items()
            }
            told: dict[tuple[str, str], list[float]] = {}
            for _ in range(fetches):
                for name, (port, path) in servers.items():
                    told.setdefault((name, "kept"), []).append(fetch(kept[name], path))
                    told.setdefault((name, "new"), []).append(fetched_anew(port, path))
            for connection in kept.values():
                connection.close()
            count = keys.fetches
    finally:
        keys.stop()
    print(f"{count} fetches counted of {2 * fetches}")
    print("| server | connection | p50 ms | p99 ms |\n| --- | --- | --- | --- |")
    for (name, connection_is), times in told.items():
        p50, p99 = np.percentile(times, [50, 99])
        print(f"| {name} | {connection_is} | {p50:.2f} | {p99:.2f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else FETCHES)
