"""Who may open the web UI, and what other sites' pages may not do."""

from __future__ import annotations

from typing import Any

import pytest

from webui import access
from webui.same_origin import LOOPBACK_NAMES, SameOrigin, closed, refusal

PASSWORD = "correct horse"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_loopback_needs_no_password(host: str) -> None:
    access.check(host, "")


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "192.168.1.5", "example.org", "localhost.example.org"])
def test_any_other_address_demands_one(host: str) -> None:
    with pytest.raises(access.AccessError, match=r"^--web-host: .* allowed: .*WEB_PASSWORD$"):
        access.check(host, "")
    access.check(host, PASSWORD)


def test_a_short_password_is_none() -> None:
    with pytest.raises(access.AccessError, match="7 characters, allowed: 8 or more"):
        access.check("0.0.0.0", "1234567")


def test_a_login_without_a_password_is_refused() -> None:
    with pytest.raises(access.AccessError, match="--web-login"):
        access.check("127.0.0.1", "", login=True)


@pytest.mark.parametrize("port", [-1, 65_536, 10**30])
def test_what_is_no_port_is_one_line(port: int) -> None:
    with pytest.raises(
        access.AccessError, match=rf"^--web-host, --web-port: 127.0.0.1 port {port}: .* allowed"
    ):
        access.check_port("127.0.0.1", port)


@pytest.mark.parametrize("host", ["a\nb", "\x1b[2J", "a" * 300])
def test_what_is_no_address_is_one_line(host: str) -> None:
    with pytest.raises(access.AccessError, match=r"^--web-host, --web-port: .* allowed: ") as refused:
        access.check_port(host, 0)
    assert str(refused.value).isprintable()


def environ(method: str = "POST", host: str = "127.0.0.1:8089", **headers: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": method,
        "HTTP_HOST": host,
        **{f"HTTP_{key}": text for key, text in headers.items()},
    }


OWN = "http://127.0.0.1:8089"


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        (environ("GET"), ""),
        (environ("GET", ORIGIN="http://evil.example"), ""),  # it cannot read the answer
        (environ(), ""),
        (environ(ORIGIN=OWN), ""),
        (environ(ORIGIN=OWN, SEC_FETCH_SITE="same-origin"), ""),
        (environ(SEC_FETCH_SITE="none"), ""),
        (environ(ORIGIN="http://evil.example"), "Origin"),
        (environ(ORIGIN="http://127.0.0.1:8090"), "Origin"),
        (environ(ORIGIN="null"), "Origin"),
        (environ(SEC_FETCH_SITE="cross-site"), "Sec-Fetch-Site"),
        (environ(SEC_FETCH_SITE="same-site"), "Sec-Fetch-Site"),
        (environ("DELETE", ORIGIN="http://evil.example"), "Origin"),
        (environ("GET", host="evil.example:8089"), "Host"),
        (environ("GET", host=""), "Host"),
        (environ("GET", host="["), "Host"),
        (environ("GET", host="[::1]:8089"), ""),
        (environ("GET", host="localhost:8089"), ""),
        (environ(host="evil.example", ORIGIN="http://evil.example"), "Host"),
    ],
)
def test_other_sites_are_refused(asked: dict[str, Any], refused: str) -> None:
    line = refusal(asked, LOOPBACK_NAMES)
    assert line.startswith(refused)
    assert bool(line) == bool(refused)


def test_off_loopback_any_name_is_ours_but_no_other_origin() -> None:
    assert refusal(environ(host="load.example:80", ORIGIN="http://load.example:80"), None) == ""
    assert refusal(environ(host="load.example:80", ORIGIN="http://evil.example"), None).startswith("Origin")
    assert refusal(environ(host="", ORIGIN="http://"), None).startswith("Origin")


def test_cors_is_taken_off_every_answer() -> None:
    headers = closed([("Access-Control-Allow-Origin", "*"), ("Content-Type", "text/html")])
    assert [name for name, _ in headers if name.lower().startswith("access-control")] == []
    assert ("X-Frame-Options", "SAMEORIGIN") in headers
    assert ("Content-Type", "text/html") in headers


def test_a_refused_request_never_reaches_the_application() -> None:
    told: list[str] = []

    def never(environ: Any, start_response: Any) -> list[bytes]:
        raise AssertionError("reached")

    guard = SameOrigin(never, LOOPBACK_NAMES)
    body = guard(environ(ORIGIN="http://evil.example"), lambda status, headers: told.append(status))
    assert told == ["403 Forbidden"]
    assert b"Origin" in b"".join(body)
