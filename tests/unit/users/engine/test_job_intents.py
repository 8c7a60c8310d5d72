"""Calls say which intent they are for where a point asks how often it was done, and nowhere else."""

from __future__ import annotations

import pytest

from scenarios.load import load, names
from targets.intents import IntentPlace
from users.engine.job import group_behaviours

ASK = {"twice", "twice-dropped", "twice-failover"}


@pytest.mark.parametrize("name", names())
def test_the_suites_own_scenarios(name: str) -> None:
    keyed = {tool.message.keyed for one in group_behaviours(load(name)) for tool in one.operations}
    assert keyed == {name in ASK}


def test_the_target_says_where() -> None:
    (one,) = group_behaviours(load("twice-dropped"), None, IntentPlace(meta="com.example/intent"))
    message = one.operations[0].message
    assert b'"com.example/intent":"{intent}"' in message.after
    assert b"Idempotency-Key" not in message.headers
