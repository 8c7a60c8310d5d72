"""What holding answers against their calls costs a call: the engine's path with `{nonce}` and without.

    python -m bench.answer_check [calls]

All that is not the kernel's: assembling the request, judging the answer, recording it. CPU microseconds a
call, the least of several rounds in turn, so that what else goes on has the same chance in each.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from itertools import count
from typing import Any, Final

from common.expect import Expect
from telemetry.recording.recorder import Recorder
from users.accounts.account_client import PooledAccountClient
from users.accounts.accounts import Account
from users.mcp import answers, expectation
from users.mcp.dialect import Dialect
from users.mcp.headers import RequestHeaders, read_headers
from users.mcp.isolation import Isolation
from users.mcp.messages import Message
from users.mcp.nonce import Nonces
from users.transport.call import Call

ROUNDS: Final = 200
ACCOUNT: Final = Account(7, "user-7", "198.51.100.7", "unlimited", 0)


class AnsweringPool:
    """In place of connections: each call is answered at once with what it said."""

    def __init__(self, judge: Callable[[Call], None]) -> None:
        self._judge = judge
        self._recorder = Recorder(0.0, [lambda chunk: None])

    def send(self, call: Call) -> None:
        """Answer it."""
        call.sent = call.done = time.monotonic()
        said = call.nonce or b"rz"
        text = b'{"tool":"fast.echo","nonce":"%b","data":"%b"}' % (said, b"x" * 150)
        body = json.dumps(text.decode()).encode()
        answer = b'{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":%b}],"isError":false}}'
        call.status, call.body = 200, answer % (call.request_id, body)
        call.headers = {b"content-type": b"application/json", b"x-instance-id": b"origin-a-1f09"}
        self._judge(call)
        read_headers(call)
        assert call.outcome is not None
        self._recorder.record(call, call.outcome)


def client(checked: bool) -> tuple[PooledAccountClient, Message]:
    """An account's client, and what it calls."""
    nonces, rules = Nonces("bench"), answers.rules()
    judge = rules.judge
    message = Dialect().call_tool("run", {"module": "fast", "tool": "echo", "params": {"nonce": "bench"}})
    if checked:
        judge = Isolation(judge, nonces, [(7, "user-7")], lambda call, foreign: None)
        message = Dialect().call_tool(
            "run", {"module": "fast", "tool": "echo", "params": {"nonce": "{nonce}"}}
        )
        message = message._replace(expect=expectation.ready(Expect(contains="{nonce}")))
    pool: Any = AnsweringPool(judge)
    headers, token = RequestHeaders("/v1/mcp", "127.0.0.1", {}), b"x" * 300
    return PooledAccountClient(ACCOUNT, pool, headers, lambda one: token, count(1), nonces=nonces), message


def seconds(checked: bool, calls: int) -> float:
    """CPU seconds of one round."""
    one, message = client(checked)
    began = time.process_time()
    for index in range(calls):
        one.call(message, 8, index=index, planned=0.0)
    return time.process_time() - began


def main(calls: int = 500) -> None:
    """Print both."""
    found: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(ROUNDS):
        for checked, times in found.items():
            times.append(seconds(checked, calls) / calls * 1e6)
    off, on = min(found[False]), min(found[True])
    print(f"off {off:.2f} µs, on {on:.2f} µs: {on - off:.2f} µs a call")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
