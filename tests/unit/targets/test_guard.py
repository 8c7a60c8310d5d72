"""The safety rule, with a resolver of the test's own: what may be attacked, and every trick that may not."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.addresses.url import BadUrlError, split_url
from targets.guard import GuardError, Pinned, check, is_loopback, refuse_excess
from targets.schema import Target

STRANGER = "93.184.215.14"


def local(**keys: Any) -> Target:
    return Target.model_validate({"name": "t", "base_url": "http://127.0.0.1:8080", **keys})


def owned(**keys: Any) -> Target:
    own = {"i_own_this_host": "gw.example.org", "max_rps": 600, "max_duration": 120.0}
    return Target.model_validate({"name": "t", "base_url": "https://gw.example.org", **own, **keys})


def answers(*addresses: str) -> Callable[[str, int], list[str]]:
    return lambda host, port: list(addresses)


def refused(target: Target, url: str | None, *addresses: str) -> str:
    with pytest.raises(GuardError) as caught:
        check(target, url, answers(*addresses))
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_loopback_is_pinned() -> None:
    assert check(local(), resolve=answers("127.0.0.1")) == Pinned("http", "127.0.0.1", 8080, ("127.0.0.1",))
    assert check(local(), "http://localhost", answers("127.0.0.1", "::1")).addresses == ("127.0.0.1", "::1")


def test_the_owned_host_is_pinned_wherever_it_is() -> None:
    pinned = check(owned(), resolve=answers(STRANGER))
    assert pinned == Pinned("https", "gw.example.org", 443, (STRANGER,))
    assert pinned.authority == "gw.example.org"
    assert pinned.family == socket.AF_INET


def test_the_name_is_resolved_once() -> None:
    asked: list[str] = []

    def turning(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else [STRANGER]

    assert check(local(), "http://rebind.example.org", turning).addresses == ("127.0.0.1",)
    assert asked == ["rebind.example.org"]


def test_authority_and_family() -> None:
    pinned = Pinned("http", "::1", 8080, ("::1",))
    assert (pinned.authority, pinned.family) == ("[::1]:8080", socket.AF_INET6)


def test_a_host_changed_in_the_web_form_is_judged_again() -> None:
    assert "not on loopback" in refused(local(), "http://example.org", STRANGER)
    assert "not on loopback" in refused(owned(), "https://other.example.org", STRANGER)
    assert "not on loopback" in refused(owned(), f"https://{STRANGER}", STRANGER)


def test_one_address_elsewhere_is_enough_to_refuse() -> None:
    assert STRANGER in refused(local(), "http://two.example.org", "127.0.0.1", STRANGER)


def test_localhost_that_is_not_here_is_refused_even_when_owned() -> None:
    assert "not on loopback" in refused(owned(i_own_this_host="gw.example.org"), "http://localhost", STRANGER)


def test_bounds_are_demanded_when_the_changed_host_is_elsewhere() -> None:
    target = local(i_own_this_host="gw.example.org")
    assert "only with max_rps and max_duration" in refused(target, "http://gw.example.org", STRANGER)


@pytest.mark.parametrize("address", ["0.0.0.0", "255.255.255.255", "224.0.0.1", "::", "ff02::1"])
def test_no_single_machines_address(address: str) -> None:
    assert "no single machine's address" in refused(owned(), None, address)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1@example.org",
        "http://user:pass@127.0.0.1",
        "http://@127.0.0.1",
        "http://127.0.0.1%40example.org",
        "http://example.org\\@127.0.0.1",
        "http://127.0.0.1 .example.org",
        "http://127.0.0.1\t",
        "http://127.0.0.1\r\nHost: example.org",
        "http://2130706433",
        "http://0x7f000001",
        "http://0x7f.0.0.1",
        "http://0177.0.0.1",
        "http://017700000001",
        "http://127.1",
        "http://127.0.1",
        "http://127.0.0.1.",
        "http://1.2.3.4.5",
        "http://999.0.0.1",
        "http://[::ffff:127.0.0.1]",
        "http://[::ffff:5db8:d70e]",
        "http://[fe80::1%25eth0]",
        "http://[::1",
        "http://[v1.a]",
        "http://ex ample.org",
        "http://exämple.org",
        "http://①②⑦.0.0.1",
        "http://localhost。",
        "http://-a.example.org",
        "http://a..b",
        "http://" + "a" * 300,
        "http://127.0.0.1:0",
        "http://127.0.0.1:70000",
        "http://127.0.0.1:",
        "http://127.0.0.1:8o",
        "http://127.0.0.1#@example.org",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//127.0.0.1",
        "127.0.0.1",
        "http:127.0.0.1",
        "http://",
        "",
        "bundled",
    ],
)
def test_tricks_are_refused_before_anything_is_resolved(url: str) -> None:
    def never(host: str, port: int) -> list[str]:
        raise AssertionError(f"resolved {host}")

    with pytest.raises(GuardError) as caught:
        check(local(), url, never)
    assert len(str(caught.value).splitlines()) == 1


def test_what_does_not_resolve_is_one_line() -> None:
    def fails(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(GuardError, match="does not resolve: Name or service not known"):
        check(owned(), resolve=fails)
    assert "has no address" in refused(owned(), None)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "::1%lo"])
def test_loopback_addresses(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "0.0.0.0", "::", "fe80::1%eth0", "::ffff:10.0.0.1", STRANGER]
)
def test_other_addresses(address: str) -> None:
    assert not is_loopback(address)


def test_excess_is_refused_and_the_bound_itself_is_not() -> None:
    refuse_excess(owned(), 600, 120)
    refuse_excess(local(), 1e9, 1e9)
    with pytest.raises(GuardError, match="allowed: max_rps 600"):
        refuse_excess(owned(), 600.1, 120)
    with pytest.raises(GuardError, match="allowed: max_duration 120 s"):
        refuse_excess(owned(), 600, 120.1)


@given(st.text(max_size=40), st.ip_addresses())
def test_no_host_of_any_text_leads_to_a_stranger(text: str, address: Any) -> None:
    try:
        pinned = check(local(), f"http://{text}", answers(str(address)))
    except GuardError:
        return
    assert all(is_loopback(one) for one in pinned.addresses)


@given(st.text(max_size=60))
def test_any_text_is_a_url_or_one_line(text: str) -> None:
    try:
        url = split_url(text)
    except BadUrlError:
        return
    assert (
        split_url(f"{url.scheme}://{f'[{url.host}]' if ':' in url.host else url.host}:{url.port}").host
        == url.host
    )
