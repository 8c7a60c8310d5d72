"""The engine at full speed: `python -m bench.engine_full_speed URL SECONDS FOLDER CONNECTIONS`.

The whole path of a call — account, headers, client, verdict on the answer, ledger, sample on disk —
in a closed loop: the end of a call starts the next one. The schedule is empty, so that nothing but
the loop sends; and as nginx answers to one request id only, every call has that one.
"""

from __future__ import annotations

import gevent.monkey

gevent.monkey.patch_all()

import json  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from itertools import count, repeat  # noqa: E402
from pathlib import Path  # noqa: E402
from urllib.parse import urlsplit  # noqa: E402

import gevent  # noqa: E402

from bench.nginx import REQUEST_ID  # noqa: E402
from bench.request import PATH, TOKEN  # noqa: E402
from common.files.append_only import AppendOnly  # noqa: E402
from shapes.schedule import merge  # noqa: E402
from telemetry.recording.sample import Outcome  # noqa: E402
from users.accounts.accounts import Account  # noqa: E402
from users.engine.engine import Engine, Outlets  # noqa: E402
from users.engine.job import GroupBehaviour, Job  # noqa: E402
from users.mcp.dialect import PLAIN  # noqa: E402
from users.mcp.headers import RequestHeaders  # noqa: E402
from users.mcp.operations import Operation  # noqa: E402
from users.personas.persona import AccountClient, NoOptions, persona  # noqa: E402
from users.transport.call import Call  # noqa: E402
from users.transport.endpoint import Endpoint  # noqa: E402

_numbers = count()
_TOKEN = TOKEN.encode()


class Looper:
    """Calls again as soon as it is answered; a call that fails ends its loop."""

    opening = 1

    def __init__(self, client: AccountClient, operations: tuple[Operation, ...], options: NoOptions) -> None:
        self._client, self._operation = client, operations[0]

    def open(self) -> None:
        """Start the loop."""
        self.arrive(next(_numbers), time.monotonic(), 0)

    def arrive(self, index: int, planned: float, draw: int) -> None:
        """One turn of the loop."""
        message, code = self._operation.message, self._operation.code
        self._client.call(message, code, index=index, planned=planned, on_done=self._again)

    def _again(self, call: Call) -> None:
        if call.outcome is Outcome.OK:
            self.arrive(next(_numbers), call.done, 0)


def job(url: str, connections: int) -> Job:
    """One account a connection, no arrivals of their own."""
    parts = urlsplit(url)
    address = (parts.hostname, parts.port)
    accounts = [
        Account(index, str(index), f"198.18.0.{index}", "unlimited", 0) for index in range(connections)
    ]
    tool = Operation(0, "fast.echo", PLAIN.call_tool("echo", {"text": "bench"}))
    return Job(
        schedule=merge([]),
        accounts=accounts,
        groups=[GroupBehaviour("bench-loop", (tool,))],
        endpoint=Endpoint(socket.AF_INET, address, "127.0.0.1"),
        headers=RequestHeaders(PATH, parts.netloc, {}, client_ip_header="CF-Connecting-IP"),
        token=lambda account: _TOKEN,
    )


def main() -> None:
    url, seconds, folder, connections = sys.argv[1:]
    persona("bench-loop", NoOptions)(Looper)
    samples = AppendOnly(Path(folder) / "samples-bench.bin")
    outlets = Outlets([samples.add], lambda line: None, lambda names: None)
    work = job(url, int(connections))
    engine = Engine(work, outlets)
    engine._ids = repeat(REQUEST_ID)  # type: ignore[assignment]
    began, cpu = time.monotonic(), time.process_time()
    engine.take_share(0, 1, began, 0.0)
    gevent.sleep(float(seconds))
    figures = {
        "requests": engine.ledger.ok,
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.monotonic() - began,
    }
    engine.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
