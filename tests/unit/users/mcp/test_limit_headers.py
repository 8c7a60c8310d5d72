"""Limits and waiting in the forms that servers write them."""

import math

import pytest

from users.mcp.limit_headers import read_limits, retry_after
from users.transport.call import Call

NOW = 1_800_000_000.25
DATE = b"Fri, 15 Jan 2027 08:00:00 GMT"  # 1,800,000,000
LATER = b"Fri, 15 Jan 2027 08:00:03 GMT"


def read(headers: dict[bytes, bytes]) -> Call:
    call = Call(0, 0.0, 0, 0, 0)
    call.headers = headers
    read_limits(call, lambda: NOW)
    return call


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({b"retry-after": b"3"}, 3),
        ({b"retry-after": b"0.5"}, 0.5),
        ({b"retry-after": LATER, b"date": DATE}, 3),
        ({b"retry-after": LATER}, math.nan),
        ({b"retry-after": b"soon", b"date": DATE}, math.nan),
        ({}, math.nan),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[bytes, bytes], seconds: float) -> None:
    assert retry_after(headers) == pytest.approx(seconds, nan_ok=True)


@pytest.mark.parametrize(
    ("value", "at"),
    [
        (b"1800000060", 1_800_000_060),
        (b"1800000060500", 1_800_000_060.5),
        (b"60", NOW + 60),
        (b"0", NOW),
        (LATER, 1_800_000_003),
        (b"tomorrow", math.nan),
    ],
)
def test_a_windows_end_in_any_form(value: bytes, at: float) -> None:
    assert read({b"x-ratelimit-reset": value}).reset == pytest.approx(at, nan_ok=True)


@pytest.mark.parametrize(
    "headers",
    [
        {b"x-ratelimit-limit": b"5", b"x-ratelimit-remaining": b"2", b"x-ratelimit-reset": b"1"},
        {b"ratelimit-limit": b"5, 5;w=1", b"ratelimit-remaining": b"2", b"ratelimit-reset": b"1"},
        {b"x-rate-limit-limit": b"5", b"x-rate-limit-remaining": b"2", b"x-rate-limit-reset": b"1"},
        {b"ratelimit": b"limit=5, remaining=2, reset=1"},
        {b"ratelimit": b'"burst";r=2;t=1', b"ratelimit-policy": b'"burst";q=5;w=1'},
    ],
)
def test_the_usual_forms_say_the_same(headers: dict[bytes, bytes]) -> None:
    call = read(headers)
    assert (call.limit, call.remaining, call.reset) == (5, 2, NOW + 1)


@pytest.mark.parametrize("headers", [{}, {b"date": DATE, b"content-length": b"5"}])
def test_nothing_said_is_nothing_known(headers: dict[bytes, bytes]) -> None:
    call = read(headers)
    assert (call.limit, call.remaining) == (-1, -1)
    assert math.isnan(call.reset)
    assert math.isnan(call.retry_after)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("retry-after", "retry_after"),
        *(
            (f"{kind}-{what}", what)
            for kind in ("x-ratelimit", "x-rate-limit", "ratelimit")
            for what in ("limit", "remaining", "reset")
        ),
    ],
)
def test_one_header_alone_is_heard(name: str, field: str) -> None:
    wanted = NOW + 5 if field == "reset" else 5
    assert getattr(read({b"date": DATE, name.encode(): b"5"}), field) == wanted
