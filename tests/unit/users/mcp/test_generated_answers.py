"""The seeded generator's answers through parser, event stream and judge, without a network."""

from __future__ import annotations

import json

import pytest

from telemetry.recording.sample import REASONS, Outcome
from tests.support.recorder.exchange import OK
from tests.support.recorder.generated import SHARES, End, Generated, generate
from users.mcp import answers
from users.mcp.headers import read_headers
from users.mcp.sse import EventStream
from users.mcp.words import words
from users.transport.body_limits import BodyLimits, TooLargeError
from users.transport.call import Call
from users.transport.http_response import BadResponseError, ResponseParser

OURS = 7
MANY = 300
REPEATS = 300  # of what never ends: the client's deadline


def outcome(made: Generated) -> str:
    """What a client reports."""
    call, parser = Call(0, 0.0, 0, 0, 0), ResponseParser(BodyLimits(each=1 << 20))
    call.request_id = OURS
    pieces = [*made.pieces, *made.pieces[-1:] * (REPEATS if made.end is End.REPEAT else 0)]
    try:
        response = None
        for piece in pieces:
            if (response := parser.receive(piece)) is not None:
                break
            if parser.event_stream:
                call.stream = call.stream or EventStream(OURS)
                if call.stream.feed(parser.take_body()):
                    response = parser.status, parser.headers, b"", False
                    break
        if response is None and made.end in (End.CLOSE, End.RESET):
            response = parser.receive_eof() if made.end is End.CLOSE else None
            if response is None:
                return "reset"
    except (BadResponseError, TooLargeError):
        return "bad_response"
    if response is None:
        return "timeout"
    call.status, call.headers, call.body, _ = response
    answers.judge(call)
    if call.outcome is Outcome.FAILED:
        json.dumps(words(call)).encode()  # the journal's own line
    read_headers(call)
    return REASONS[call.reason] or OK


@pytest.mark.parametrize("seed", range(3))
def test_a_client_reports_an_outcome_that_fits(seed: int) -> None:
    for number in range(MANY):
        made = generate(seed, number, b"%d" % OURS)
        assert outcome(made) in made.outcomes, (number, made.name)


def test_the_same_seed_makes_the_same_answers() -> None:
    assert [generate(1, n, b"7") for n in range(50)] == [generate(1, n, b"7") for n in range(50)]
    assert generate(1, 0, b"7") != generate(2, 0, b"7")


def test_every_kind_is_made() -> None:
    kinds = [generate(1, number, b"7").kind for number in range(MANY)]
    assert {kind for kind in SHARES if kinds.count(kind) < SHARES[kind] * MANY / 2} == set()
