"""The spammer: measures every tool of its list, then calls the slowest alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.recording.sample import Flag, Outcome
from tests.support.fake_account_client import FakeAccountClient, answer
from users.mcp.dialect import PLAIN
from users.mcp.operations import LIST, Operation
from users.personas.persona import OpeningPersona, Persona, make_persona

TOOLS = tuple(Operation(5 + n, f"m.t{n}", PLAIN.call_tool(f"t{n}", {})) for n in range(3))


def spammer(client: FakeAccountClient) -> Persona:
    made = make_persona("spammer", client, TOOLS, {})
    assert isinstance(made, OpeningPersona)
    made.open()
    return made


def called(client: FakeAccountClient, made: Persona) -> int:
    """The place of the tool that an arrival is spent on now."""
    made.arrive(0, client.now, 0)
    return client.calls[-1].tool - TOOLS[0].code


def test_measures_first_and_all_of_that_is_extra() -> None:
    client = FakeAccountClient()
    spammer(client)
    assert [call.tool for call in client.calls] == [LIST, *(tool.code for tool in TOOLS)]
    assert all(call.index == -1 and call.flags == Flag.EXTRA for call in client.calls)


@given(st.lists(st.floats(0.001, 60), min_size=3, max_size=3, unique=True))
def test_calls_the_slowest(seconds: list[float]) -> None:
    client = FakeAccountClient()
    made = spammer(client)
    probes = client.calls[1:]
    for took, probe in sorted(zip(seconds, probes, strict=True), key=lambda pair: pair[0]):
        client.advance(took)
        answer(client, probe)
    assert called(client, made) == seconds.index(max(seconds))


def test_no_answer_yet_is_the_slowest_so_far() -> None:
    client = FakeAccountClient()
    made = spammer(client)
    assert called(client, made) == 0
    client.advance(2.0)
    answer(client, client.calls[1])
    assert called(client, made) == 1


def test_a_refusal_teaches_nothing() -> None:
    client = FakeAccountClient()
    made = spammer(client)
    client.advance(0.5)
    answer(client, client.calls[1])
    client.advance(3.0)
    for probe in client.calls[2:4]:
        answer(client, probe, 429, "burst_exceeded")
    assert called(client, made) == 0


def test_a_timeout_is_slow() -> None:
    client = FakeAccountClient()
    made = spammer(client)
    client.advance(0.5)
    answer(client, client.calls[1])
    answer(client, client.calls[2])
    client.advance(35.0)
    answer(client, client.calls[3], 0, "timeout")
    assert called(client, made) == 2


@pytest.mark.parametrize("outcome", [Outcome.ABORTED, Outcome.DROPPED])
def test_a_probe_that_told_nothing_is_not_the_slowest(outcome: Outcome) -> None:
    client = FakeAccountClient()
    made = spammer(client)
    client.advance(0.5)
    for probe in client.calls[1:3]:
        answer(client, probe)
    lost = client.calls[3]
    lost.outcome = outcome
    assert lost.on_done is not None
    lost.on_done(lost)
    assert called(client, made) == 0


def test_it_takes_no_options() -> None:
    with pytest.raises(ValueError, match="unknown option 'probes', allowed: none"):
        make_persona("spammer", FakeAccountClient(), TOOLS, {"probes": 3})
