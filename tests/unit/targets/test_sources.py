"""Addresses that accounts connect from: how they are written, who has which, what cannot be."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from common.addresses import ranges
from common.errors import ConfigError
from common.strict import validate
from scenarios.load import load as load_scenario
from targets import sources
from targets.schema import Target
from users.accounts.accounts import make_accounts
from users.transport.endpoint import Endpoint

HERE = ("127.0.0.1",)


def target(*given: str, **keys: Any) -> Target:
    made = {"name": "local", "base_url": "http://127.0.0.1:1", "sources": list(given), **keys}
    return validate(Target, made, "some.yaml")


def test_addresses_ranges_and_networks_are_read_in_their_order_and_each_once() -> None:
    found = ranges.addresses(["127.0.1.9", "127.0.1.1-127.0.1.3", "127.0.1.2/31", "::1"])
    assert found == ["127.0.1.9", "127.0.1.1", "127.0.1.2", "127.0.1.3", "::1"]


@pytest.mark.parametrize(
    "text", ["", "here", "127.0.1.1-", "127.0.1.3-127.0.1.1", "127.0.1.1-::1", "127.0.1.1/24"]
)
def test_what_is_no_address_is_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="allowed: an address, a range like"):
        ranges.addresses([text])


def test_more_than_anyone_needs_is_refused_before_all_are_made() -> None:
    with pytest.raises(ValueError, match="more than 65,536 addresses"):
        ranges.addresses(["::1-ffff::1"])


def test_accounts_have_them_in_turn() -> None:
    scenario = load_scenario("burst")
    accounts = make_accounts(scenario, target("127.0.1.1-127.0.1.40"), 1)
    assert [one.ip for one in accounts[:41]] == [f"127.0.1.{n}" for n in (*range(1, 41), 1)]


def test_those_of_this_machine_can_be_bound() -> None:
    sources.check(target("127.0.1.1-127.0.1.3"), HERE)


@pytest.mark.parametrize(
    ("given", "said"), [("203.0.113.9", "203.0.113.9: Cannot assign"), ("::1", "::1 cannot reach 127.0.0.1")]
)
def test_others_are_refused_before_load(given: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        sources.check(target(given), HERE)


def test_a_connection_comes_from_its_source_and_its_port_is_left_open_until_it_connects() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with Endpoint(socket.AF_INET, address, "here").socket("127.0.1.7") as made:
            assert made.getsockname() == ("127.0.1.7", 0)
            made.connect_ex(address)
            accepted, peer = server.accept()
            accepted.close()
    assert peer[0] == "127.0.1.7"
