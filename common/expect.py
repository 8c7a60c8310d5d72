"""What the answer of a tool must say, as scenarios and target files write it: one of three.

    expect: {contains: "{nonce}"}                     somewhere in the answer
    expect: {equals: "you said {nonce}"}              its texts, one a line, are exactly this
    expect: {json: {structuredContent.id: "{nonce}"}} a value at each path of the result

`{nonce}` is the call's own: it is unique, names its account and stands in the tool's arguments too. A path is
keys and places, by dots; where it goes on within a text, the text is read as JSON: `content.0.text.data`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field, model_validator

from common.nonce import NONCE, holds_nonce
from common.strict import Strict

Path = Annotated[str, Field(pattern=r"^[^.]+(\.[^.]+)*$", max_length=500)]
Text = Annotated[str, Field(min_length=1, max_length=10_000)]
Scalar = str | int | float | bool


class Expect(Strict):
    """One of `contains`, `equals` and `json`."""

    contains: Text | None = Field(default=None, exclude_if=lambda value: value is None)
    equals: Text | None = Field(default=None, exclude_if=lambda value: value is None)
    at: dict[Path, Scalar] | None = Field(default=None, alias="json", exclude_if=lambda value: value is None)

    @model_validator(mode="after")
    def _one(self) -> Expect:
        given = [one for one in (self.contains, self.equals, self.at) if one]
        if len(given) != 1:
            raise ValueError(f"expect: {len(given)} given, allowed: one of contains, equals, json")
        return self

    @property
    def texts(self) -> Iterator[str]:
        """All texts that it speaks of."""
        yield from (one for one in (self.contains, self.equals) if one is not None)
        yield from (one for one in (self.at or {}).values() if isinstance(one, str))


def check(expect: Expect | None, arguments: dict[str, Any]) -> None:
    """Raises ValueError for a mark that is expected and never sent."""
    if expect is not None and any(NONCE in text for text in expect.texts) and not holds_nonce(arguments):
        raise ValueError(f"expect: {NONCE} is not sent, allowed: with {NONCE} in the tool's arguments")
