"""Accounts: the same for the same seed, unique, and with addresses that look public."""

import ipaddress
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import ConfigError
from scenarios.load import load
from scenarios.schema import Scenario
from targets.schema import Target
from users.accounts.accounts import evenly, looks_public, make_accounts, public_addresses

TARGET = Target.model_validate({"name": "t", "base_url": "http://127.0.0.1"})
TWO_GROUPS = [
    {"name": "a", "attack": True, "accounts": {"count": 5, "ips": "one", "tier": "pro"}},
    {"name": "b", "accounts": {"count": 6, "ips": 3, "id": "text"}},
]


def scenario(**keys: Any) -> Scenario:
    return Scenario.model_validate({"name": "s", "title": "s", **keys})


def target(**accounts: Any) -> Target:
    return Target.model_validate({"name": "t", "base_url": "http://127.0.0.1", "accounts": accounts})


def test_burst_has_a_hundred_accounts_from_a_hundred_addresses() -> None:
    accounts = make_accounts(load("burst"), TARGET, seed=1)
    assert [account.index for account in accounts] == list(range(100))
    assert len({account.id for account in accounts}) == len({account.ip for account in accounts}) == 100
    assert {(account.tier, account.group) for account in accounts} == {("unlimited", 0)}


def test_the_same_seed_gives_the_same_accounts_and_another_others() -> None:
    assert make_accounts(load("burst"), TARGET, 7) == make_accounts(load("burst"), TARGET, 7)
    assert make_accounts(load("burst"), TARGET, 7) != make_accounts(load("burst"), TARGET, 8)


def test_groups_follow_each_other_and_share_addresses_as_they_say() -> None:
    accounts = make_accounts(scenario(groups=TWO_GROUPS), TARGET, 1)
    assert [(account.group, account.tier) for account in accounts] == [(0, "pro")] * 5 + [
        (1, "unlimited")
    ] * 6
    attackers, others = accounts[:5], accounts[5:]
    assert len({account.ip for account in attackers}) == 1
    assert [account.ip for account in others[:3]] == [account.ip for account in others[3:]]
    assert len({account.ip for account in accounts}) == 4
    assert others[0].id.endswith("-5")


def test_more_shared_addresses_than_accounts_is_one_each() -> None:
    accounts = make_accounts(scenario(accounts={"count": 3, "ips": 50}), TARGET, 1)
    assert len({account.ip for account in accounts}) == 3


def test_ids_of_the_target_come_in_their_order(tmp_path: Path) -> None:
    file = tmp_path / "ids.txt"
    file.write_text("ana\nbo\ncy\n")
    accounts = make_accounts(scenario(accounts={"count": 2}), target(ids=str(file)), 1)
    assert [account.id for account in accounts] == ["ana", "bo"]
    with pytest.raises(ConfigError, match="the scenario wants 4 accounts, allowed: at most 3"):
        make_accounts(scenario(accounts={"count": 4}), target(ids=str(file)), 1)


def test_the_target_says_how_many_there_are_and_how_they_are_named() -> None:
    accounts = make_accounts(scenario(accounts={"count": 4}), target(count=4, id="text"), 1)
    assert accounts[3].id.endswith("-3")
    with pytest.raises(ConfigError, match="allowed: at most 4"):
        make_accounts(scenario(accounts={"count": 5}), target(count=4), 1)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**62 - 1), st.integers(1, 300))
def test_any_crowd_is_unique_and_public(seed: int, count: int) -> None:
    accounts = make_accounts(scenario(accounts={"count": count}), TARGET, seed)
    assert len({account.ip for account in accounts}) == len({account.id for account in accounts}) == count
    assert all(ipaddress.ip_address(account.ip).is_global for account in accounts)


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "127.0.0.1", "224.0.0.5", "240.0.0.1", "100.64.0.1", "192.0.2.1"]
)
def test_addresses_of_nobody_are_not_public(address: str) -> None:
    assert not looks_public(address)


def test_repeated_and_odd_addresses_are_passed_over() -> None:
    made = iter(["8.8.8.8", "10.0.0.1", "8.8.8.8", "225.1.1.1", "9.9.9.9"])
    random = Mock(getrandbits=lambda _: int(ipaddress.IPv4Address(next(made))))
    assert list(islice(public_addresses(random), 2)) == ["8.8.8.8", "9.9.9.9"]


@given(first=st.integers(0, 100_000), count=st.integers(2, 500))
def test_accounts_in_a_row_are_spread_evenly(first: int, count: int) -> None:
    """No gap is wider than four times what it would be if they lay at equal distances."""
    places = sorted(evenly(index) for index in range(first, first + count))
    gaps = [after - before for before, after in zip([0.0, *places], [*places, 1.0], strict=True)]
    assert 0 <= places[0] <= places[-1] < 1
    assert max(gaps) <= 4 / count
