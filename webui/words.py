"""Figures as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from verdicts.language.quantities import against

NOTHING: Final = "–"


def count(value: float | None) -> str:
    """`12,345`; a dash for nothing."""
    return NOTHING if value is None else f"{value:,.0f}"


def figure(value: Any) -> str:
    """A number to four digits, a text as it is; a dash for nothing."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{value:.4g}"


def milliseconds(value: float | None) -> str:
    """`12.3 ms`; a dash for nothing."""
    return NOTHING if value is None else f"{value:,.1f} ms"


def measured(point: dict[str, Any]) -> str:
    """A point's value with its unit."""
    value = figure(point["value"])
    if point["status"] == "fail" and isinstance(point["value"], float):
        value = against(value, point["value"], point["threshold"])
    return value if value == NOTHING else f"{value} {point['unit']}".strip()


def instant(seconds: float) -> str:
    """`2026-01-31 12:00:05` of Unix seconds, UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


def moment(text: str) -> str:
    """`2026-01-31 12:00:05` of an ISO time, UTC."""
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return NOTHING
