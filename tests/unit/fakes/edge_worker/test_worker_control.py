"""The control connection to workerd, which closes idle ones by itself."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.edge_worker.workerd import Worker
from fakes.http.asgi import Reply
from fakes.http.hop import HopReset


class FakeHop:
    """Answers as told, one after the other."""

    def __init__(self, *answers: Reply | HopReset) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[bytes, bytes]] = []

    async def request(self, method: bytes, path: bytes, headers: Any, body: bytes = b"") -> Reply:
        self.asked.append((path, body))
        answer = self._answers.pop(0)
        if isinstance(answer, HopReset):
            raise answer
        return answer


def worker(hop: FakeHop) -> Worker:
    made = Worker("front", 1, 1, "token")
    made._hop = hop  # type: ignore[assignment]
    return made


async def test_a_command_on_a_connection_that_was_just_closed_is_given_again() -> None:
    hop = FakeHop(HopReset("closed by the peer"), Reply(200, [], b"{}"))
    await worker(hop).put({"place": 0})
    assert hop.asked == [(b"/state", b'{"place":0}')] * 2


async def test_a_worker_that_is_gone_is_told_as_such() -> None:
    hop = FakeHop(HopReset("closed by the peer"), HopReset("closed by the peer"))
    with pytest.raises(HopReset):
        await worker(hop).reset()


async def test_what_it_refuses_is_no_success() -> None:
    with pytest.raises(RuntimeError, match="/reset answered 403"):
        await worker(FakeHop(Reply(403, [], b""))).reset()
