"""Locust's own options that mean nothing here: one line, before anything starts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from locust.argument_parser import parse_options

from common.errors import ConfigError
from run.options import MEANINGLESS, check_stock

GIVEN = [
    (["-u", "5"], "-u, --users, LOCUST_USERS: 5"),
    (["-r", "2"], "-r, --spawn-rate, LOCUST_SPAWN_RATE: 2"),
    (["-t", "10s"], "-t, --run-time, LOCUST_RUN_TIME: 10"),
    (["--tags", "foo"], "-T, --tags, LOCUST_TAGS: ['foo']"),
    (["--exclude-tags", "foo", "bar"], "-E, --exclude-tags, LOCUST_EXCLUDE_TAGS: ['foo', 'bar']"),
    (["--class-picker"], "--class-picker, LOCUST_USERCLASS_PICKER: True"),
]


@pytest.mark.parametrize(("words", "says"), GIVEN, ids=lambda one: one[0] if isinstance(one, list) else "")
def test_one_of_them_is_refused_in_one_line(words: list[str], says: str) -> None:
    with pytest.raises(ConfigError) as raised:
        check_stock(parse_options(words))
    assert str(raised.value).startswith(f"command line: {says}")
    assert ", allowed: none; " in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("variable", "value"), [("LOCUST_USERS", "5"), ("LOCUST_RUN_TIME", "1m"), ("LOCUST_TAGS", "foo")]
)
def test_the_environment_is_no_way_around(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=variable):
        check_stock(parse_options([]))


def test_without_them_nothing_is_refused() -> None:
    check_stock(parse_options(["--headless"]))
    everything: Any = SimpleNamespace()
    check_stock(everything)
    assert len(GIVEN) == len(MEANINGLESS)
