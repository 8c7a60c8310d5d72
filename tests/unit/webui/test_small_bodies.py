"""A large body, or one of unknown length, is refused before the application sees the request."""

from __future__ import annotations

from typing import Any

import pytest

from webui.small_bodies import LARGEST, SmallBodies


def asked(**environ: str) -> tuple[str, bool]:
    """The status, and whether the application was reached."""
    reached, status = [], []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        reached.append(True)
        start_response("200 OK", [])
        return [b""]

    answer = SmallBodies(app)(environ, lambda line, headers: status.append(line))
    assert all(b"\n" not in part[:-1] for part in answer)
    return status[0], bool(reached)


@pytest.mark.parametrize("length", ["", "0", "10", str(LARGEST), "0" * 30, f"{LARGEST:040d}"])
def test_small_ones_pass(length: str) -> None:
    assert asked(CONTENT_LENGTH=length) == ("200 OK", True)


def test_none_passes() -> None:
    assert asked() == ("200 OK", True)


@pytest.mark.parametrize("length", [str(LARGEST + 1), "300000000", "9" * 5000, f"{300_000_000:040d}"])
def test_large_ones_do_not(length: str) -> None:
    assert asked(CONTENT_LENGTH=length) == ("413 Content Too Large", False)


def test_a_length_that_is_not_told_does_not() -> None:
    assert asked(HTTP_TRANSFER_ENCODING="chunked") == ("411 Length Required", False)


@pytest.mark.parametrize("length", ["-1", "1e3", "٣", "x"])
def test_a_length_that_is_none_does_not(length: str) -> None:
    assert asked(CONTENT_LENGTH=length) == ("400 Bad Request", False)
