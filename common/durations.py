"""Durations as people write them: `60s`, `500ms`, `2m`, `1m30s`, `1h`, ISO 8601's `PT90S`, or seconds."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

ALLOWED: Final = "a duration like 60s, 500ms, 2m, 1m30s, 1h, or a number of seconds"
LONGEST: Final = 7 * 24 * 3600.0
_NUMBER: Final = r"\d{1,9}(?:\.\d{1,9})?"
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PARTS: Final = re.compile(
    r"\s?".join(rf"(?:(?P<{unit}>{_NUMBER})\s?{unit}(?![a-z]))?" for unit in _SECONDS), re.ASCII
)
_BARE: Final = re.compile(_NUMBER, re.ASCII)


def seconds(value: Any) -> float:
    """Seconds of a duration; ValueError with what is allowed."""
    if isinstance(value, str):
        text = value.strip()
        found = float(text) if _BARE.fullmatch(text) else _written(text)
        if found is not None:
            return found
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError(f"allowed: {ALLOWED}")


def _written(text: str) -> float | None:
    """Seconds of a text with units; None if it is none."""
    iso = text[2:].lower() if text[:2].upper() == "PT" else text
    match = _PARTS.fullmatch(iso) if iso else None
    if match is None:
        return None
    return sum(float(number) * _SECONDS[unit] for unit, number in match.groupdict().items() if number)


def seconds_within(value: Any) -> Any:
    """`value` with each duration that is written with a unit, at any depth, in seconds."""
    if isinstance(value, dict):
        return {key: seconds_within(item) for key, item in value.items()}
    if isinstance(value, list):
        return [seconds_within(item) for item in value]
    written = _written(value) if isinstance(value, str) else None
    return value if written is None else written


Duration = Annotated[float, BeforeValidator(seconds), Field(gt=0, le=LONGEST, allow_inf_nan=False)]
Moment = Annotated[float, BeforeValidator(seconds), Field(ge=0, le=LONGEST, allow_inf_nan=False)]
