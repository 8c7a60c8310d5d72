"""What an answer must say: one of three, and only what was sent can be expected."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from common.expect import Expect
from common.nonce import holds_nonce
from common.tool_call import ModuleCall, StandardCall


@pytest.mark.parametrize(
    "written", [{"contains": "{nonce}"}, {"equals": "hello"}, {"json": {"content.0.text": "{nonce}", "n": 3}}]
)
def test_each_of_the_three_is_read_and_written_as_it_was(written: dict[str, Any]) -> None:
    call = StandardCall.model_validate({"name": "echo", "arguments": {"text": "{nonce}"}, "expect": written})
    assert call.model_dump(by_alias=True)["expect"] == written
    assert call.checked


@pytest.mark.parametrize(
    "written", [{}, {"contains": "a", "equals": "a"}, {"json": {}}, {"json": {"a..b": 1}}]
)
def test_none_and_two_are_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Expect.model_validate(written)


def test_a_nonce_that_is_not_sent_cannot_be_expected() -> None:
    with pytest.raises(ValidationError, match="is not sent"):
        ModuleCall.model_validate(
            {"module": "fast", "tool": "echo", "params": {"text": "hi"}, "expect": {"json": {"a": "{nonce}"}}}
        )


def test_a_call_without_either_is_written_as_before_and_not_checked() -> None:
    call = ModuleCall(module="fast", tool="echo", params={"text": "hi"})
    assert (call.model_dump(), call.checked) == (
        {"module": "fast", "tool": "echo", "params": {"text": "hi"}},
        False,
    )


def test_a_nonce_is_found_at_any_depth() -> None:
    assert holds_nonce({"a": [1, {"b": "x{nonce}y"}]})
    assert not holds_nonce({"a": [1, None, "nonce"]})
