"""The parser: every kind of answer whole, byte by byte, and with trailing data; and what is no answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.http_answers import ANSWERS, GARBAGE, OK, SIZED, WHOLE, Written
from users.transport.body_limits import BodyLimits, OutOfRoomError, TooLargeError
from users.transport.http_response import MAX_BARE, BadResponseError, Response, ResponseParser

TRAILING = {"the next answer": SIZED, "half of it": SIZED[:20], "garbage": b"\x00\x01\x02"}
PIECE = b"x" * 65_536


def parser_of(limits: BodyLimits | None = None) -> ResponseParser:
    return ResponseParser(limits or BodyLimits())


def check(response: Response | None, expected: Written, keep_alive: bool | None = None) -> None:
    assert response is not None
    status, _, body, kept = response
    assert (status, body) == (expected.status, expected.body)
    assert kept == (expected.keep_alive if keep_alive is None else keep_alive)


@pytest.mark.parametrize("name", ANSWERS)
def test_whole(name: str) -> None:
    parser, expected = parser_of(), ANSWERS[name]
    response = parser.receive(expected.raw)
    if expected.until_eof:
        assert response is None
        response = parser.receive_eof()
    check(response, expected)


@pytest.mark.parametrize("name", ANSWERS)
def test_byte_by_byte(name: str) -> None:
    parser, expected = parser_of(), ANSWERS[name]
    *before, last = [parser.receive(bytes([byte])) for byte in expected.raw]
    assert set(before) <= {None}
    check(parser.receive_eof() if expected.until_eof else last, expected)


@given(name=st.sampled_from(sorted(ANSWERS)), data=st.data())
def test_in_any_two_pieces(name: str, data: st.DataObject) -> None:
    parser, expected = parser_of(), ANSWERS[name]
    at = data.draw(st.integers(1, len(expected.raw) - 1))
    assert parser.receive(expected.raw[:at]) is None
    response = parser.receive(expected.raw[at:])
    check(parser.receive_eof() if expected.until_eof else response, expected)


@pytest.mark.parametrize("after", TRAILING)
@pytest.mark.parametrize("name", WHOLE)
def test_trailing_data_spoils_the_connection_not_the_answer(name: str, after: str) -> None:
    check(parser_of().receive(WHOLE[name].raw + TRAILING[after]), WHOLE[name], keep_alive=False)


@pytest.mark.parametrize("name", [name for name in WHOLE if WHOLE[name].keep_alive])
def test_one_answer_after_the_other(name: str) -> None:
    parser = parser_of()
    for _ in range(3):
        check(parser.receive(WHOLE[name].raw), WHOLE[name])


@pytest.mark.parametrize("name", WHOLE)
def test_cut_short_anywhere_is_no_answer(name: str) -> None:
    raw = WHOLE[name].raw
    for at in range(len(raw)):
        parser = parser_of()
        assert parser.receive(raw[:at]) is None
        assert parser.receive_eof() is None


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_http(name: str) -> None:
    with pytest.raises(BadResponseError):
        parser_of().receive(GARBAGE[name])


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_http_byte_by_byte(name: str) -> None:
    parser = parser_of()
    with pytest.raises(BadResponseError):
        _ = [parser.receive(bytes([byte])) for byte in GARBAGE[name]]


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    parser = parser_of()
    try:
        parser.receive(data)
        parser.receive_eof()
    except BadResponseError:
        pass


@pytest.mark.parametrize("framing", [b"Content-Length: 200000\r\n\r\n", b"\r\n"])
def test_a_body_has_a_largest_size(framing: bytes) -> None:
    parser = parser_of(BodyLimits(each=100_000))
    assert parser.receive(OK + framing) is None
    assert parser.receive(PIECE) is None
    with pytest.raises(TooLargeError, match="larger than"):
        parser.receive(PIECE)


def test_all_bodies_under_way_have_a_largest_size_together() -> None:
    limits = BodyLimits(together=100_000)
    first, second = parser_of(limits), parser_of(limits)
    for parser in (first, second):
        parser.receive(OK + b"Content-Length: 65537\r\n\r\n")
    assert first.receive(PIECE) is None
    with pytest.raises(OutOfRoomError):
        second.receive(PIECE)
    second.release()
    response = first.receive(b"x")
    assert response is not None
    assert (len(response[2]), limits.held) == (65_537, 0)
    assert parser_of(limits).receive(SIZED) is not None


BARE = {
    "a header without end": (OK + b"X-Long: ", b"x" * 1000),
    "headers without end": (OK, b"X-Header: 1\r\n" * 100),
    "interim answers without end": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 40),
    "a trailer without end": (OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Late: ", b"x" * 1000),
    "an extension without end": (OK + b"Transfer-Encoding: chunked\r\n\r\n1;x=", b"x" * 1000),
}


@pytest.mark.parametrize("name", BARE)
def test_what_goes_on_without_a_body(name: str) -> None:
    begin, piece = BARE[name]
    parser = parser_of()
    parser.receive(begin)
    for _ in range(MAX_BARE // len(piece) - 1):
        assert parser.receive(piece) is None
    with pytest.raises(BadResponseError):
        _ = [parser.receive(piece) for _ in range(3)]


def test_header_names_are_lower_case_and_trailers_are_no_headers() -> None:
    raw = OK + b"X-Instance-ID: i-1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Late: 1\r\n\r\n"
    response = parser_of().receive(raw)
    assert response is not None
    assert response[1] == {b"x-instance-id": b"i-1", b"transfer-encoding": b"chunked"}


def test_interim_headers_are_not_the_answers() -> None:
    response = parser_of().receive(b"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" + SIZED)
    assert response is not None
    assert response[1] == {b"content-length": b"5"}


def test_an_answer_as_to_a_head_is_waited_for() -> None:
    """No request is a HEAD: a length without a body is a body that has not come."""
    parser = parser_of()
    assert parser.receive(OK + b"Content-Length: 5\r\n\r\n") is None
    assert parser.receive_eof() is None


def test_an_event_stream_can_be_taken_as_it_comes() -> None:
    assert not parser_of().event_stream
    limits = BodyLimits()
    parser = parser_of(limits)
    parser.receive(OK + b"Content-Type: text/event-stream; charset=utf-8\r\n\r\ndata: ")
    parser.receive(b"a\n\n")
    assert parser.event_stream
    assert parser.take_body() == b"data: a\n\n"
    assert parser.receive(b"data: b") is None
    response = parser.receive_eof()
    assert response is not None
    assert response[2:] == (b"data: b", False)
    assert limits.held == 0


def test_a_compressed_event_stream_cannot() -> None:
    parser = parser_of()
    parser.receive(OK + b"Content-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\nabc")
    assert not parser.event_stream


def test_the_rest_of_an_answer_can_be_skipped() -> None:
    limits = BodyLimits()
    parser = parser_of(limits)
    parser.receive(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    assert parser.take_body() == b"hello"
    parser.skip()
    assert limits.held == 0
    assert parser.receive(b"5\r\nthere\r\n") is None
    check(parser.receive(b"0\r\n\r\n"), Written(b""))
    check(parser.receive(SIZED), Written(SIZED, body=b"hello"))
