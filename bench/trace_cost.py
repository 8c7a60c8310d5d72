"""What `traceparent` costs a call: the engine's path with `trace: true` and without, by era.

    python -m bench.trace_cost [calls]

As `bench.answer_check`: all that is not the kernel's. CPU microseconds a call, the least of several rounds in
turn.
"""

from __future__ import annotations

import sys
import time
from itertools import count
from typing import Any, Final

from bench.answer_check import ACCOUNT, AnsweringPool
from common.mcp_versions import MODERN, NONE
from users.accounts.account_client import PooledAccountClient
from users.mcp import answers
from users.mcp.dialect import Dialect
from users.mcp.headers import RequestHeaders

ROUNDS: Final = 200
ERAS: Final = (NONE, MODERN)
DIALECTS: Final = tuple(Dialect(version, trace=trace) for version in ERAS for trace in (False, True))


def seconds(dialect: Dialect, calls: int) -> float:
    """CPU seconds of one round."""
    pool: Any = AnsweringPool(answers.rules().judge)
    headers, token = RequestHeaders("/v1/mcp", "127.0.0.1", {}), b"x" * 300
    client = PooledAccountClient(ACCOUNT, pool, headers, lambda one: token, count(1), dialect=dialect)
    message = dialect.call_tool("run", {"module": "fast", "tool": "echo", "params": {"text": "bench"}})
    began = time.process_time()
    for index in range(calls):
        client.call(message, 8, index=index, planned=0.0)
    return time.process_time() - began


def main(calls: int = 500) -> None:
    """Print all."""
    least = [float("inf")] * len(DIALECTS)
    for _ in range(ROUNDS):
        for number, dialect in enumerate(DIALECTS):
            least[number] = min(least[number], seconds(dialect, calls) / calls * 1e6)
    for version, off, on in zip(ERAS, least[::2], least[1::2], strict=True):
        print(f"{version}: off {off:.2f} µs, on {on:.2f} µs: {on - off:.2f} µs a call")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
