"""A text that nobody is to see: printed, formatted or dumped as data it is `***`.

    token = Secret("s3cret")
    f"{token}", repr(token)                      # "***", "***"
    token.reveal()                               # "s3cret", where it is used and nowhere else
    model.model_dump(mode="json")                # "***"
    model.model_dump_json(context=REVEALED)      # "s3cret", for a process of ours by pipe or private file

Read back from a dump, `***` is a secret that was there and is not told any more: `hidden` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

HIDDEN: Final = "***"
REVEALED: Final[Mapping[str, bool]] = {"secrets are revealed": True}


class Secret:
    """The text; equal to another secret of the same text, and to nothing else."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    @property
    def hidden(self) -> bool:
        """It is what a dump left of a secret."""
        return self._text == HIDDEN

    def __repr__(self) -> str:
        return HIDDEN

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """From text or a secret; a complaint never holds what was given."""
        return core_schema.no_info_plain_validator_function(
            _read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                _dumped, info_arg=True, return_schema=core_schema.str_schema(), when_used="json"
            ),
            json_schema_input_schema=core_schema.str_schema(),
        )


def _read(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise ValueError("not text (a secret, so not shown), allowed: text")
    return Secret(value)


def _dumped(value: Secret, info: core_schema.SerializationInfo) -> str:
    return value.reveal() if info.context == REVEALED else HIDDEN
