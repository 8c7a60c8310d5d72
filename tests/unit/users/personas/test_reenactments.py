"""What public reports count, by the behaviour that they describe and nothing else: no rate is fitted.

https://github.com/NousResearch/hermes-agent/issues/38488   five attempts, about 31 s of exponential backoff,
                                                            then it gives up though the server is back
https://github.com/NousResearch/hermes-agent/issues/19559   three attempts at the start, over after about 7 s
https://github.com/anthropics/claude-code/issues/83495      no jitter: all sessions connect at once, and all
                                                            retry at the same three instants
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.support.fake_account_client import FakeAccountClient, answer
from users.accounts.accounts import Account
from users.mcp.dialect import PLAIN
from users.mcp.operations import Operation
from users.personas.persona import OpeningPersona, make_persona
from users.transport.call import Call

TOOL = Operation(20, "x", PLAIN.call_tool("x", {}))
BACKOFF = {"retry_on": ["connection"], "wait": "exponential", "base": 1, "factor": 2, "most": 60}


def attempts(number: int, outage: float, options: dict[str, Any]) -> list[Call]:
    """All that one agent sends while nobody answers for `outage` seconds, and after it."""
    account = Account(number, f"a{number}", "198.51.100.1", "unlimited", 0)
    client = FakeAccountClient(account)
    made = make_persona("agent", client, (TOOL,), options)
    assert isinstance(made, OpeningPersona)
    made.open()
    client.sent.clear()
    made.arrive(0, 0.0, 0)
    while client.now < 200:
        for call in client.open_calls:
            answer(client, call, 0 if client.now < outage else 200, "connect" if client.now < outage else "")
        client.advance(client.now + 0.25)
    return client.calls


def test_a_minutes_outage_outlasts_five_attempts() -> None:
    calls = attempts(0, 60.0, {**BACKOFF, "retries": 5})
    assert len(calls) == 1 + 5
    assert calls[-1].sent == pytest.approx(31.0, rel=0.1)
    assert all(call.reason for call in calls)  # it never learns that the server is back


def test_a_start_is_over_after_three_attempts() -> None:
    calls = attempts(0, 60.0, {**BACKOFF, "retries": 3})
    assert len(calls) == 1 + 3
    assert calls[-1].sent == pytest.approx(7.0, rel=0.1)


@pytest.mark.parametrize(("jitter", "together"), [("none", 17), ("full", 3)])
def test_without_jitter_all_sessions_ask_at_the_same_three_instants(jitter: str, together: int) -> None:
    sessions = 17  # the servers of the report
    seen: Counter[float] = Counter()
    for number in range(sessions):
        calls = attempts(number, 60.0, {**BACKOFF, "retries": 3, "jitter": jitter})
        seen.update(round(call.sent, 3) for call in calls[1:])
    assert max(seen.values()) <= together
    assert (len(seen) == 3) == (jitter == "none")
