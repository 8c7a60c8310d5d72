"""Where a target lists effects and how it is told intents: one way each, held to the host's rule."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from targets import guard
from targets.schema import Target

PAGE = {"http": {"url": "http://127.0.0.1:9/effects?key=secret"}}


def target(**keys: Any) -> Target:
    return Target.model_validate({"name": "t", "base_url": "http://127.0.0.1:9", **keys})


def test_one_of_a_page_and_a_tool() -> None:
    assert target(effects=PAGE).effects_pages == (PAGE["http"]["url"],)
    assert target(effects={"tool": {"name": "list"}}).effects_pages == target().effects_pages == ()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"effects": {}}, "allowed: one of http, tool"),
        ({"effects": {**PAGE, "tool": {"name": "list"}}}, "allowed: one of http, tool"),
        ({"effects": {"http": {"url": "ftp://127.0.0.1/x"}}}, "allowed: http://host"),
        ({"effects": {"http": {"url": "https://gw.example.org/x"}}}, "i_own_this_host: must be"),
        ({"base_url": "bundled", "control": "bundled", "effects": PAGE}, "the bundled stack has its own"),
        ({"intents": {"header": "Mcp-Name"}}, "allowed: a header of its own"),
        ({"intents": {"header": "X-Key"}, "headers": {"X-Key": "1"}}, "allowed: a header of its own"),
    ],
)
def test_what_is_refused(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        target(**keys)


def test_the_page_is_pinned_as_load_is_and_its_query_is_not_shown() -> None:
    one = target(effects=PAGE)
    (place,) = guard.check_effects(one).values()
    assert place.addresses == ("127.0.0.1",)
    assert "secret" not in str(one.public())
    with pytest.raises(guard.GuardError, match="is not on loopback"):
        guard.check_effects(
            target(effects={"http": {"url": "http://localhost:9/x"}}), lambda h, p: ["203.0.113.9"]
        )
