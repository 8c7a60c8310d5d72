"""The adapter to Locust: the same answer for ever, and Locust imported only when asked for."""

import sys
from types import SimpleNamespace

import pytest

from shapes.locust_shape import shape_class, tick


@pytest.mark.parametrize("accounts", [1, 100, 10_000_000])
def test_a_tick_is_all_accounts_within_a_second(accounts: int) -> None:
    assert tick(accounts) == (accounts, float(accounts))


@pytest.mark.parametrize("accounts", [0, -1, 10_000_001, 1.5, None])
def test_a_tick_without_accounts_is_refused(accounts: int) -> None:
    with pytest.raises(ValueError, match="accounts must be a whole number from 1"):
        tick(accounts)


def test_the_shape_asks_for_the_number_and_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "locust", SimpleNamespace(LoadTestShape=object))
    numbers = iter([7, 7, 9])
    shape = shape_class(lambda: next(numbers))()
    assert [shape.tick() for _ in range(3)] == [(7, 7.0), (7, 7.0), (9, 9.0)]
