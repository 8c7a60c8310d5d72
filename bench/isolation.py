"""Is every seeded bug found, with exact counts, and nothing where there is none?

    python -m bench.isolation [--runs 20] [--calls 10000] [--clean 1000000] [--bug NAME ...]

The engine's whole path of a call in a closed loop (as `bench.engine_full_speed`): 24 accounts and eight
leavers on one pool of connections, each counting its requests from 1, every call with a mark. Each run has
another seed of the bug (`bench.isolation_server`), which strikes at one answer in 1,000; of callers who left,
at one in 30, which comes to as much. Three count that do not know of each other: the client, the recorder at
the server's socket, and the bug. A run is found if the client saw one; exact if the three agree.
"""

from __future__ import annotations

import gevent.monkey

gevent.monkey.patch_all()

import argparse  # noqa: E402
import http.client  # noqa: E402
import json  # noqa: E402
import socket  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from typing import Final, NamedTuple  # noqa: E402

import gevent  # noqa: E402
import numpy as np  # noqa: E402

from common.paths import ROOT  # noqa: E402
from shapes.schedule import merge  # noqa: E402
from telemetry.recording.sample import REASON_CODE, SAMPLE  # noqa: E402
from users.accounts.accounts import Account  # noqa: E402
from users.engine.engine import Engine, Outlets  # noqa: E402
from users.engine.job import GroupBehaviour, Job  # noqa: E402
from users.mcp.dialect import PLAIN  # noqa: E402
from users.mcp.expectation import OWN_NONCE  # noqa: E402
from users.mcp.headers import RequestHeaders  # noqa: E402
from users.mcp.operations import Operation  # noqa: E402
from users.personas.persona import AccountClient, NoOptions, persona  # noqa: E402
from users.transport.call import Call  # noqa: E402
from users.transport.endpoint import Endpoint  # noqa: E402

RATES: Final = {
    "shared-buffer": 0.001, "cache-without-user": 0.001, "table-by-id": 0.001, "late-answer": 1 / 30,
}  # fmt: skip
ACCOUNTS: Final = 32
LEAVERS: Final = 8
PATIENCE: Final = 0.2  # seconds; the tool `slow` takes twice as long
FOREIGN: Final = REASON_CODE["foreign_answer"]


class Counted(NamedTuple):
    """One run: calls that were over, answers by the recorder, and foreign ones by each of the three."""

    calls: int
    answers: int
    client: int
    recorded: int
    counted: int

    @property
    def exact(self) -> bool:
        """All three say the same."""
        return self.client == self.recorded == self.counted


class Remaining:
    """How many calls a run has left, of all loops together."""

    def __init__(self) -> None:
        self.calls = 0

    def take(self) -> bool:
        """One more, if there is one."""
        self.calls -= 1
        return self.calls >= 0


REMAINING: Final = Remaining()


class MarkedLoop:
    """Calls again as soon as a call is over, whatever became of it; a leaver does not wait for `slow`."""

    opening = 1

    def __init__(self, client: AccountClient, operations: tuple[Operation, ...], options: NoOptions) -> None:
        self._client, (self._fast, self._slow) = client, operations
        self._leaves = client.account.index < LEAVERS if client is not None else False

    def open(self) -> None:
        """Start the loop."""
        self.arrive(0, time.monotonic(), 0)

    def arrive(self, index: int, planned: float, draw: int) -> None:
        """One turn of the loop."""
        if not REMAINING.take():
            return
        tool = self._slow if self._leaves else self._fast
        call = self._client.call(tool.message, tool.code, index=index, planned=planned, on_done=self._again)
        if self._leaves:
            self._client.later(PATIENCE, lambda: self._client.give_up(call))

    def _again(self, call: Call) -> None:
        self.arrive(call.index + 1, call.done, 0)


def job(port: int) -> Job:
    """What each run does."""
    marked = [
        PLAIN.call_tool(name, {"text": "{nonce}"})._replace(expect=OWN_NONCE) for name in ("echo", "slow")
    ]
    tools = tuple(Operation(place, str(place), message) for place, message in enumerate(marked))
    return Job(
        schedule=merge([]),
        accounts=[Account(n, f"user-{n}", f"198.18.0.{n}", "unlimited", 0) for n in range(ACCOUNTS)],
        groups=[GroupBehaviour("marked-loop", tools)],
        endpoint=Endpoint(socket.AF_INET, ("127.0.0.1", port), "127.0.0.1"),
        headers=RequestHeaders("/v1/mcp", "127.0.0.1", {}),
        token=lambda account: b"",
        shared_connections=True,
        ids_by_account=True,
    )


def run(port: int, calls: int) -> Counted:
    """So many calls; RuntimeError where one was lost on the way."""
    chunks: list[int] = []
    over = 0

    def sink(chunk: bytes) -> None:
        nonlocal over
        samples = np.frombuffer(chunk, SAMPLE)
        over += len(samples)
        chunks.append(int((samples["reason"] == FOREIGN).sum()))

    REMAINING.calls = calls
    engine = Engine(job(port), Outlets([sink], lambda line: None, lambda names: None))
    engine.take_share(0, 1, time.monotonic(), 0.0)
    while REMAINING.calls > 0 or engine.client.in_flight:
        gevent.sleep(0.05)
    engine.close()
    gevent.sleep(0.1)  # what was on its way to callers who left
    told = tally(port)
    if over != calls:
        raise RuntimeError(f"{over:,} calls were over, of {calls:,}")
    return Counted(calls, told["answers"], sum(chunks), told["recorded"], told["counted"])


def tally(port: int) -> dict[str, int]:
    """What the server recorded since the last time."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/tally")
    found: dict[str, int] = json.loads(connection.getresponse().read())
    connection.close()
    return found


@contextmanager
def server(bug: str, share: float) -> Iterator[int]:
    """Its port, while it runs."""
    command = [sys.executable, "-m", "bench.isolation_server", bug, str(share)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdin
        assert child.stdout
        yield int(child.stdout.readline())
        child.stdin.close()


def row(bug: str, runs: list[Counted]) -> str:
    """A line of the table."""
    found = sum(one.client > 0 for one in runs)
    exact = sum(one.exact for one in runs)
    sums = [sum(one[place] for one in runs) for place in range(len(Counted._fields))]
    return (
        f"| {bug} | {found} of {len(runs)} | {sums[1]:,} | {sums[4]:,} | {sums[3]:,} | {sums[2]:,} "
        f"| {exact} of {len(runs)} |"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.isolation")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--clean", type=int, default=1_000_000)
    parser.add_argument("--bug", action="append", choices=list(RATES))
    options = parser.parse_args()
    persona("marked-loop", NoOptions)(MarkedLoop)
    print("| bug | found in | answers | bug counted | recorder | client | exact in |")
    print("|---" * 7 + "|")
    for bug in options.bug or RATES:
        with server(bug, RATES[bug]) as port:
            print(row(bug, [run(port, options.calls) for _ in range(options.runs)]), flush=True)
    if options.clean:
        with server("none", 0) as port:
            print(row("none", [run(port, options.clean)]), flush=True)


if __name__ == "__main__":
    main()
