"""The spammer: measures every tool of its list, then calls the slowest alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.recording.sample import Flag, Outcome
from tests.support.fake_line import FakeLine, answer
from users.mcp import messages
from users.mcp.methods import LIST_TOOLS
from users.personas.persona import Persona, Tool, make_persona

TOOLS = tuple(Tool(5 + n, f"m.t{n}", messages.call_tool("m", f"t{n}", {})) for n in range(3))


def spammer(line: FakeLine) -> Persona:
    made = make_persona("spammer", line, TOOLS, {})
    made.open()
    return made


def called(line: FakeLine, made: Persona) -> int:
    """The place of the tool that an arrival is spent on now."""
    made.arrive(0, line.now, 0)
    return line.calls[-1].tool - TOOLS[0].code


def test_measures_first_and_all_of_that_is_extra() -> None:
    line = FakeLine()
    spammer(line)
    assert [call.tool for call in line.calls] == [LIST_TOOLS.code, *(tool.code for tool in TOOLS)]
    assert all(call.index == -1 and call.flags == Flag.EXTRA for call in line.calls)


@given(st.lists(st.floats(0.001, 60), min_size=3, max_size=3, unique=True))
def test_calls_the_slowest(seconds: list[float]) -> None:
    line = FakeLine()
    made = spammer(line)
    probes = line.calls[1:]
    for took, probe in sorted(zip(seconds, probes, strict=True), key=lambda pair: pair[0]):
        line.advance(took)
        answer(line, probe)
    assert called(line, made) == seconds.index(max(seconds))


def test_no_answer_yet_is_the_slowest_so_far() -> None:
    line = FakeLine()
    made = spammer(line)
    assert called(line, made) == 0
    line.advance(2.0)
    answer(line, line.calls[1])
    assert called(line, made) == 1


def test_a_refusal_teaches_nothing() -> None:
    line = FakeLine()
    made = spammer(line)
    line.advance(0.5)
    answer(line, line.calls[1])
    line.advance(3.0)
    for probe in line.calls[2:4]:
        answer(line, probe, 429, "burst_exceeded")
    assert called(line, made) == 0


def test_a_timeout_is_slow() -> None:
    line = FakeLine()
    made = spammer(line)
    line.advance(0.5)
    answer(line, line.calls[1])
    answer(line, line.calls[2])
    line.advance(35.0)
    answer(line, line.calls[3], 0, "timeout")
    assert called(line, made) == 2


@pytest.mark.parametrize("outcome", [Outcome.ABORTED, Outcome.DROPPED])
def test_a_probe_that_told_nothing_is_not_the_slowest(outcome: Outcome) -> None:
    line = FakeLine()
    made = spammer(line)
    line.advance(0.5)
    for probe in line.calls[1:3]:
        answer(line, probe)
    lost = line.calls[3]
    lost.outcome = outcome
    assert lost.on_done is not None
    lost.on_done(lost)
    assert called(line, made) == 0


def test_it_takes_no_options() -> None:
    with pytest.raises(ValueError, match="unknown option 'probes', allowed: none"):
        make_persona("spammer", FakeLine(), TOOLS, {"probes": 3})
