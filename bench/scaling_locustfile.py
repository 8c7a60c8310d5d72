"""The locustfile for `bench.scaling`: the suite's own, with a meter on the master's wire.

Workers give every call the one request id that nginx answers to. The master writes once a second, to the file
BENCH_METER, what came and went over Locust's socket so far and what CPU it used.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from itertools import repeat
from pathlib import Path
from typing import Any

from locust.rpc import zmqrpc

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import gevent

from bench.nginx import REQUEST_ID
from locustfile import *  # noqa: F403
from users.engine import engine

messages: Counter[str] = Counter()
size: Counter[str] = Counter()


def counted(way: str, message: Any) -> None:
    """One message in or out; its size is that of its body on the wire."""
    messages[way] += 1
    size[way] += len(message.serialize())


def meter(path: Path) -> None:
    """Write a line a second."""
    with path.open("a", buffering=1) as file:
        while True:
            now = {"t": time.monotonic(), "cpu": time.process_time() - spent[0]}
            file.write(json.dumps({**now, "messages": messages, "bytes": size}) + "\n")
            gevent.sleep(1)


def install() -> None:
    """Put the meter between the socket and Locust; its own cost is taken from the CPU."""
    server: Any = zmqrpc.Server
    receive, send = server.recv_from_client, server.send_to_client

    def received(self: Any) -> Any:
        address, message = receive(self)
        apart(counted, "in", message)
        return address, message

    def sent(self: Any, message: Any) -> None:
        apart(counted, "out", message)
        send(self, message)

    server.recv_from_client, server.send_to_client = received, sent
    gevent.spawn(meter, Path(os.environ["BENCH_METER"]))


def apart(do: Any, *arguments: Any) -> None:
    """Do something that is no work of the master's."""
    before = time.process_time()
    do(*arguments)
    spent[0] += time.process_time() - before


spent = [0.0]
if "--master" in sys.argv:
    install()
elif "BENCH_ANY_ID" not in os.environ:
    vars(engine)["count"] = lambda first: repeat(REQUEST_ID)
