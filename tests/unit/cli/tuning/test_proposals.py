"""What Optuna proposes: values that a limit can have, alike for a seed, away from what broke a bound."""

from __future__ import annotations

import importlib

import pytest

from cli.tuning import proposals
from cli.tuning.proposals import optuna_proposals
from common.errors import ConfigError
from scenarios.tuning_table import BY_NAME, LIMITS
from tests.support import needs

USER = BY_NAME["user-concurrency"]


def asked(bound: bool, seed: int = 1) -> list[float]:
    """Fifteen proposals, after as many, where more is better; over 30 a bound breaks, or does not."""
    made, found = optuna_proposals([USER], seed), []
    for _ in range(30):
        value = made.ask()[USER.name]
        made.tell({USER.name: value}, 1 - value / 300, max(0.0, value / 300 - 0.1) * bound)
        found.append(value)
    return found[15:]


def test_a_setting_that_breaks_a_bound_draws_no_others() -> None:
    needs.require("optuna")
    within = {
        bound: sum(value <= 30 for seed in range(4) for value in asked(bound, seed))
        for bound in (True, False)
    }
    assert within[True] >= 30, "half of 60"
    assert within[False] <= 15


def test_values_are_those_that_a_limit_can_have_and_the_same_for_a_seed() -> None:
    needs.require("optuna")
    first, second = (optuna_proposals(LIMITS, 3).ask() for _ in range(2))
    assert first == second
    for limit in LIMITS:
        assert limit.low <= first[limit.name] <= limit.high
        assert first[limit.name] == limit.fitting(first[limit.name])


def test_where_optuna_is_missing_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ConfigError, match="needs Optuna, which is not installed, allowed: make optuna"):
        proposals.library()
