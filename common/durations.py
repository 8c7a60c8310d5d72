"""Durations as people write them: `60s`, `500ms`, `2m`, `1h`, or a number of seconds."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

ALLOWED: Final = "a duration like 60s, 500ms, 2m, 1h, or a number of seconds"
LONGEST: Final = 7 * 24 * 3600.0
_FORM: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s?(ms|s|m|h)?", re.ASCII)
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}


def seconds(value: Any) -> float:
    """Seconds of a duration; ValueError with what is allowed."""
    if isinstance(value, str) and (match := _FORM.fullmatch(value.strip())):
        return float(match[1]) * _SECONDS[match[2]]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError(f"allowed: {ALLOWED}")


def seconds_within(value: Any) -> Any:
    """`value` with each duration that is written with a unit, at any depth, in seconds."""
    if isinstance(value, dict):
        return {key: seconds_within(item) for key, item in value.items()}
    if isinstance(value, list):
        return [seconds_within(item) for item in value]
    if isinstance(value, str) and (match := _FORM.fullmatch(value)) and match[2]:
        return seconds(value)
    return value


Duration = Annotated[float, BeforeValidator(seconds), Field(gt=0, le=LONGEST, allow_inf_nan=False)]
Moment = Annotated[float, BeforeValidator(seconds), Field(ge=0, le=LONGEST, allow_inf_nan=False)]
