"""The recorder of `bench.isolation` knows what a bug did without asking it; the table says who agrees."""

from __future__ import annotations

import asyncio
import json

from bench.isolation_server import BuggyServer, Tally

MARKS = [b"rznonce-1f09ab77c2-%d-%d-%d-z" % (n % 4, n, n) for n in range(400)]


def request(n: int) -> bytes:
    params = {"name": "echo", "arguments": {"text": MARKS[n].decode()}}
    return json.dumps({"jsonrpc": "2.0", "id": n // 4, "method": "tools/call", "params": params}).encode()


def test_an_answer_is_foreign_by_its_bytes_alone() -> None:
    tally = Tally()
    tally.sent(b"x" + MARKS[1], b"y" + MARKS[1] + MARKS[1])
    tally.sent(b"x" + MARKS[1], b"y")
    tally.sent(b"x" + MARKS[1], MARKS[1] + b" and " + MARKS[2])
    tally.sent(b"x" + MARKS[1], MARKS[3])
    assert (tally.answers, tally.foreign) == (4, 2)


def test_recorder_and_bug_agree_and_begin_anew() -> None:
    async def scene() -> None:
        server = BuggyServer({"shared-buffer": 0.1})
        for _ in range(2):
            for n in range(400):
                asked = request(n)
                server.tally.sent(asked, await server.answer(asked))
            told = json.loads(server.told())
            assert told["answers"] == 400
            assert told["recorded"] == told["counted"]
            assert 20 <= told["counted"] <= 65

    asyncio.run(scene())


def test_without_a_bug_nothing_is_foreign() -> None:
    async def scene() -> None:
        server = BuggyServer({})
        asked = request(7)
        server.tally.sent(asked, await server.answer(asked))
        assert json.loads(server.told()) == {"answers": 1, "recorded": 0, "counted": 0}

    asyncio.run(scene())
