"""Strict models over plain data, and pydantic's complaints as one line with what is allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, Tag, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from common.errors import ConfigError, short
from common.secrets.secret import Secret


class Strict(BaseModel):
    """Base of what YAML files hold: frozen, unknown keys refused, nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
Several = Annotated[tuple[T, ...], Field(strict=False)]
"""A tuple that a YAML list fits: strict alone would ask for a tuple."""
CONFIDENTIAL: Final = "confidential"
"""Marks a field whose value no complaint shows: it names a secret, and may hold one by mistake."""


def validate(model: type[M], data: Mapping[str, Any], file: Path | str, prefix: str = "") -> M:
    """`data` as a `model`. Raises ConfigError with the first complaint; `prefix` goes before its key."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first, *more = error.errors(include_url=False)
        key, message = explain(model, first)
        tail = f" (and {len(more)} more)" if more else ""
        raise ConfigError(file, prefix + key, message + tail) from None


def explain(model: type[BaseModel], error: ErrorDetails) -> tuple[str, str]:
    """(key, message) of one complaint; what stands where a secret belongs is not shown."""
    place = [part for part in error["loc"] if not _is_tag(part)]
    key = ".".join(str(part) for part in place)
    if _is_confidential(model, place):
        error["input"] = Secret("")
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        allowed = sorted(_keys_at(model, error["loc"][:-1]))
        return key, f"unknown key, allowed: {', '.join(allowed)}"
    if kind == "missing":
        return key, "is missing, allowed: a value (it has no default)"
    if kind == "literal_error":
        return key, f"{short(error['input'])}, allowed: {context['expected']}"
    if kind == "value_error":
        text = str(context["error"])
        return key, f"{short(error['input'])}, {text}" if text.startswith("allowed") else text
    if kind == "string_pattern_mismatch":
        return key, f"{short(error['input'])}, allowed: text that matches {context['pattern']}"
    return key, f"{short(error['input'])}, allowed: {_wanted(error)}"


def _wanted(error: ErrorDetails) -> str:
    if error["type"] == "model_type":  # pydantic would name the class, which is nobody's word but the code's
        return "a mapping"
    return error["msg"].removeprefix("Input should be ").removeprefix("a valid ")


def _is_tag(part: int | str) -> bool:
    """Places that pydantic adds for the branch of a union, such as `literal['one']`."""
    return isinstance(part, str) and ("[" in part or part in ("int", "float", "str", "constrained-int"))


def _is_confidential(model: type[BaseModel], place: list[int | str]) -> bool:
    """A secret belongs at that place, or somewhere in what stands there."""
    found: type[BaseModel] | None = model
    for part in place:
        field = found.model_fields.get(str(part)) if found is not None else None
        if field is None:
            return False
        if _is_secret(field):
            return True
        found = next((one for _, one in _models_in(field)), None)
    return found is not None and _holds_secrets(found)


def _holds_secrets(model: type[BaseModel]) -> bool:
    fields = model.model_fields.values()
    return any(
        _is_secret(field) or any(_holds_secrets(inner) for _, inner in _models_in(field)) for field in fields
    )


def _is_secret(field: FieldInfo) -> bool:
    return CONFIDENTIAL in field.metadata or _mentions(field.annotation, Secret)


def _mentions(annotation: Any, kind: type) -> bool:
    return annotation is kind or any(_mentions(inner, kind) for inner in get_args(annotation))


def _keys_at(model: type[BaseModel], place: Sequence[int | str]) -> set[str]:
    found: list[tuple[str, type[BaseModel]]] = [("", model)]  # the models that may stand there, by their tags
    for part in place:
        if any(part == tag for tag, _ in found):
            found = [one for one in found if one[0] == part]
        elif found and isinstance(part, str) and part in found[0][1].model_fields:
            found = list(_models_in(found[0][1].model_fields[part]))
    return {field.alias or name for name, field in found[0][1].model_fields.items()} if found else set()


def _models_in(annotation: Any, tag: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    for told in getattr(annotation, "__metadata__", ()):
        tag = told.tag if isinstance(told, Tag) else tag
    if isinstance(annotation, FieldInfo):
        annotation = annotation.annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield tag, annotation
    for inner in get_args(annotation):
        yield from _models_in(inner, tag)
