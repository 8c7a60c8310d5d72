"""The parser: every kind of answer whole, byte by byte, and with trailing data; and what is no answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.http_answers import ANSWERS, GARBAGE, OK, SIZED, WHOLE, Written
from users.transport import http_response
from users.transport.http_response import BadResponseError, Response, ResponseParser

TRAILING = {"the next answer": SIZED, "half of it": SIZED[:20], "garbage": b"\x00\x01\x02"}


def check(response: Response | None, expected: Written, keep_alive: bool | None = None) -> None:
    assert response is not None
    status, _, body, kept = response
    assert (status, body) == (expected.status, expected.body)
    assert kept == (expected.keep_alive if keep_alive is None else keep_alive)


@pytest.mark.parametrize("name", ANSWERS)
def test_whole(name: str) -> None:
    parser, expected = ResponseParser(), ANSWERS[name]
    response = parser.receive(expected.raw)
    if expected.until_eof:
        assert response is None
        response = parser.receive_eof()
    check(response, expected)


@pytest.mark.parametrize("name", ANSWERS)
def test_byte_by_byte(name: str) -> None:
    parser, expected = ResponseParser(), ANSWERS[name]
    *before, last = [parser.receive(bytes([byte])) for byte in expected.raw]
    assert set(before) <= {None}
    check(parser.receive_eof() if expected.until_eof else last, expected)


@given(name=st.sampled_from(sorted(ANSWERS)), data=st.data())
def test_in_any_two_pieces(name: str, data: st.DataObject) -> None:
    parser, expected = ResponseParser(), ANSWERS[name]
    at = data.draw(st.integers(1, len(expected.raw) - 1))
    assert parser.receive(expected.raw[:at]) is None
    response = parser.receive(expected.raw[at:])
    check(parser.receive_eof() if expected.until_eof else response, expected)


@pytest.mark.parametrize("after", TRAILING)
@pytest.mark.parametrize("name", WHOLE)
def test_trailing_data_spoils_the_connection_not_the_answer(name: str, after: str) -> None:
    check(ResponseParser().receive(WHOLE[name].raw + TRAILING[after]), WHOLE[name], keep_alive=False)


@pytest.mark.parametrize("name", [name for name in WHOLE if WHOLE[name].keep_alive])
def test_one_answer_after_the_other(name: str) -> None:
    parser = ResponseParser()
    for _ in range(3):
        check(parser.receive(WHOLE[name].raw), WHOLE[name])


@pytest.mark.parametrize("name", WHOLE)
def test_cut_short_anywhere_is_no_answer(name: str) -> None:
    raw = WHOLE[name].raw
    for at in range(len(raw)):
        parser = ResponseParser()
        assert parser.receive(raw[:at]) is None
        assert parser.receive_eof() is None


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_http(name: str) -> None:
    with pytest.raises(BadResponseError):
        ResponseParser().receive(GARBAGE[name])


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_http_byte_by_byte(name: str) -> None:
    parser = ResponseParser()
    with pytest.raises(BadResponseError):
        _ = [parser.receive(bytes([byte])) for byte in GARBAGE[name]]


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    parser = ResponseParser()
    try:
        parser.receive(data)
        parser.receive_eof()
    except BadResponseError:
        pass


def test_a_body_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_response, "MAX_BODY", 100_000)
    piece = b"x" * 65_536
    for framing in (b"Content-Length: 200000\r\n\r\n", b"\r\n"):
        parser = ResponseParser()
        assert parser.receive(OK + framing) is None
        assert parser.receive(piece) is None
        with pytest.raises(BadResponseError):
            parser.receive(piece)


def test_header_names_are_lower_case_and_trailers_are_no_headers() -> None:
    raw = OK + b"X-Instance-ID: i-1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Late: 1\r\n\r\n"
    response = ResponseParser().receive(raw)
    assert response is not None
    assert response[1] == {b"x-instance-id": b"i-1", b"transfer-encoding": b"chunked"}


def test_interim_headers_are_not_the_answers() -> None:
    response = ResponseParser().receive(b"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" + SIZED)
    assert response is not None
    assert response[1] == {b"content-length": b"5"}


def test_an_answer_as_to_a_head_is_waited_for() -> None:
    """No request is a HEAD: a length without a body is a body that has not come."""
    parser = ResponseParser()
    assert parser.receive(OK + b"Content-Length: 5\r\n\r\n") is None
    assert parser.receive_eof() is None


def test_an_open_event_stream_can_be_taken_as_it_is() -> None:
    assert not ResponseParser().event_stream
    parser = ResponseParser()
    parser.receive(OK + b"Content-Type: text/event-stream; charset=utf-8\r\n\r\ndata: ")
    parser.receive(b"a\n\n")
    assert parser.event_stream
    assert parser.body_so_far() == b"data: a\n\n"
    assert parser.take_unfinished()[2:] == (b"data: a\n\n", False)
