"""The adapter to Locust: the same answer for ever."""

import pytest

from shapes.locust_shape import tick


@pytest.mark.parametrize("accounts", [1, 100, 10_000_000])
def test_a_tick_is_all_accounts_within_a_second(accounts: int) -> None:
    assert tick(accounts) == (accounts, float(accounts))


@pytest.mark.parametrize("accounts", [0, -1, 10_000_001, 1.5, None])
def test_a_tick_without_accounts_is_refused(accounts: int) -> None:
    with pytest.raises(ValueError, match="accounts must be a whole number from 1"):
        tick(accounts)
