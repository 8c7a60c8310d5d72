"""The caller's deadline: read strictly, held against the queue, and the end of a call."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from fakes.origin.tool_call import CallContext
from fakes.origin.tools import Command
from fakes.protections.deadline_propagation import NAME, passes, told
from tests.support.gateway_rig import RUN, GatewayRig


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(b"2", 2.0), (b"0.5", 0.5), (b"0", None), (b"-1", None), (b"inf", None), (b"nan", None), (b"2 s", None)],
)
def test_it_is_a_positive_number_of_seconds_or_nothing(value: bytes, seconds: float | None) -> None:
    assert told([(b"accept", b"*/*"), (b"x-request-timeout", value)]) == seconds


def test_what_could_not_begin_in_time_has_no_use() -> None:
    headers = [(b"x-request-timeout", b"2")]
    assert not passes(headers, 1.79, 0.2)
    assert passes(headers, 1.8, 0.2)
    assert not passes([], 99.0, 0.2)


class Slow(GatewayRig):
    """Its tool takes an hour, or until it is ended."""

    def __init__(self, *protections: str) -> None:
        super().__init__(*protections)
        self.ended = False

        async def wait(context: CallContext, command: Command, request_id: str) -> Any:
            try:
                await asyncio.sleep(3600)
            finally:
                self.ended = True

        self.does = wait


async def test_a_call_ends_with_its_callers_time() -> None:
    rig = Slow(NAME)
    reply = await rig.post(RUN, x_request_timeout="0.01")
    assert (reply.status, json.loads(reply.body)["error"]["data"]["reason"]) == (504, "gateway_timeout")
    assert rig.ended


async def test_a_callers_time_runs_from_the_requests_arrival() -> None:
    rig = Slow(NAME)
    rig.waited = 0.5
    reply = await asyncio.wait_for(rig.post(RUN, x_request_timeout="0.51"), 0.4)
    assert (reply.status, json.loads(reply.body)["error"]["message"]) == (504, "no answer within 0.51 s")
    assert rig.ended


async def test_the_gateways_own_time_runs_from_where_the_request_is_taken_up() -> None:
    rig = Slow("timeout", NAME)
    rig.waited = 100.0
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(rig.post(RUN, x_request_timeout="500"), 0.05)


@pytest.mark.parametrize(
    ("on", "told", "callers"),
    [
        ((NAME,), "2", True),
        (("timeout", NAME), "2", True),
        (("timeout", NAME), "60", False),
        (("timeout",), "2", False),
    ],
)
async def test_whose_time_ends_a_call(on: tuple[str, ...], told: str, callers: bool) -> None:
    rig = GatewayRig(*on)
    await rig.post(RUN, x_request_timeout=told)
    deadline = rig.contexts[0][0].deadline
    assert deadline is not None
    assert deadline.callers is callers


async def test_it_goes_on_where_nobody_heeds_it() -> None:
    rig = Slow()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(rig.post(RUN, x_request_timeout="0.01"), 0.05)
