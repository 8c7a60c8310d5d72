"""Event streams read as they come: in any pieces the same events, and each byte once."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.recording.sample import REASONS
from users.mcp import answers, sse
from users.mcp.sse import BOM, EventStream
from users.mcp.words import words
from users.transport.call import Call

OURS = 7
ANSWER = b'{"jsonrpc":"2.0","id":7,"result":{}}'
NOTE = b'{"jsonrpc":"2.0","method":"notifications/progress"}'
LINES = (
    b"data: " + NOTE,
    b"data: " + ANSWER,
    b"data:",
    b"data: x",
    b": ping",
    b"id: 1",
    b"",
    b"event: message",
)


def events_of(stream: bytes) -> list[bytes]:
    """The `data` of each event, the slow way: the whole stream at once."""
    text = stream.removeprefix(BOM).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found = []
    for block in text.split(b"\n\n"):
        lines = [line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:")]
        if lines:
            found.append(b"\n".join(lines))
    return found


@settings(deadline=None)
@given(
    lines=st.lists(st.sampled_from(LINES), max_size=20),
    ends=st.lists(st.sampled_from([b"\n", b"\r\n", b"\r"]), min_size=20, max_size=20),
    begin=st.sampled_from([b"", BOM]),
    cuts=st.lists(st.integers(0, 600), max_size=30),
)
def test_any_pieces_give_what_the_whole_gives(
    lines: list[bytes], ends: list[bytes], begin: bytes, cuts: list[int]
) -> None:
    text = begin + b"".join(line + end for line, end in zip(lines, ends, strict=False))
    stream, expected = EventStream(OURS), events_of(text)
    for start, end in pairwise(sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})):
        stream.feed(text[start:end])
    stream.end(b"")
    answer = next((event for event in expected if event.strip() == ANSWER), b"")
    last = expected[-1] if expected else b""
    assert (stream.answer, stream.last) == (answer, answer or last)
    assert stream.size == len(text)


def test_the_answer_is_there_with_its_last_byte() -> None:
    text = b": ping\n\ndata: " + NOTE + b"\n\ndata: " + ANSWER + b"\n\n"
    stream = EventStream(OURS)
    assert [stream.feed(bytes([byte])) for byte in text] == [False] * (len(text) - 1) + [True]


def test_each_byte_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long stream in tiny pieces: as many messages are decoded as came, and nothing old is kept."""
    decoded: list[bytes] = []
    decode = sse._decode

    def noted(data: bytes) -> object:
        decoded.append(data)
        return decode(data)

    monkeypatch.setattr(sse, "_decode", noted)
    stream = EventStream(OURS)
    for byte in (b"data: " + NOTE + b"\n\n") * 50:
        stream.feed(bytes([byte]))
    assert decoded == [NOTE] * 50
    assert not stream._block


def judged(call: Call) -> str:
    call.request_id, call.status = OURS, 200
    call.headers = {b"content-type": b"text/event-stream"}
    answers.judge(call)
    return REASONS[call.reason]


def test_a_stream_in_pieces_is_judged_with_its_rest() -> None:
    call = Call(0, 0.0, 0, 0, 0)
    call.stream = EventStream(OURS)
    call.stream.feed(b"data: " + ANSWER[:9])
    call.body = ANSWER[9:]
    assert judged(call) == ""
    assert call.stream.size == len(b"data: " + ANSWER)


def test_a_stream_without_our_answer_is_shown_by_its_last_event() -> None:
    call = Call(0, 0.0, 0, 0, 0)
    call.stream = EventStream(OURS)
    call.stream.feed(b'data: {"error":{"code":-3,"message":"no room"}}\n\n')
    assert judged(call) == "bad_response"
    assert words(call)[:2] == (-3, "no room")
