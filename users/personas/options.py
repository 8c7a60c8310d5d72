"""Reads a persona's options into its struct: unknown names refused, each value held against its field.

A field's type says all: `Literal[…]`, or `Annotated[…, Meta(ge=…, description="what is allowed")]`. A field
without a default must be given. A struct with `PRESETS` (name → options) takes a `preset` too, and what is
given beside it goes before it. Every error is a ValueError of one line that says what is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, fields

OptionsT = TypeVar("OptionsT", bound=msgspec.Struct)


def read_options(persona: str, given: Mapping[str, Any], struct: type[OptionsT]) -> OptionsT:
    """`given`, as the persona takes it."""
    known = _fields(struct)
    if unknown := sorted(set(given) - set(known)):
        allowed = ", ".join(known) or "none"
        raise ValueError(f"persona {persona}: unknown option {unknown[0]!r}, allowed: {allowed}")
    presets: Mapping[Any, Mapping[str, Any]] = getattr(struct, "PRESETS", {})
    chosen = presets.get(given.get("preset"), {}) if isinstance(given.get("preset"), str) else {}
    whole = {**chosen, **given}
    read = {
        name: _read(persona, field, whole.get(name))
        for name, field in known.items()
        if name in whole or field.required
    }
    return struct(**read)


@cache
def _fields(struct: type[msgspec.Struct]) -> Mapping[str, FieldInfo]:
    return {field.name: field for field in fields(struct)}


def _read(persona: str, field: FieldInfo, value: Any) -> Any:
    try:
        return msgspec.convert(value, field.type)
    except msgspec.ValidationError:
        label, allowed = _words(field)
        raise ValueError(f"persona {persona}: {label} {value!r:.40}, allowed: {allowed}") from None


def _words(field: FieldInfo) -> tuple[str, str]:
    """(what a message calls the field, what it says is allowed): `Meta.title`, `Meta.description`."""
    plain, *metas = get_args(field.type) if hasattr(field.type, "__metadata__") else (field.type,)
    title = next((meta.title for meta in metas if meta.title), f"{field.name}:")
    described = next((meta.description for meta in metas if meta.description), "")
    choices = get_args(plain) if get_origin(plain) is Literal else ()
    return title, described or ", ".join(choices)
