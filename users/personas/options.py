"""Reads a persona's options: unknown names refused, each read as what it must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Options:
    """The options of persona `name`; every error is a ValueError of one line that says what is allowed."""

    def __init__(self, name: str, given: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
        if unknown := sorted(set(given) - set(allowed)):
            known = ", ".join(allowed) or "none"
            raise ValueError(f"persona {name}: unknown option {unknown[0]!r}, allowed: {known}")
        self._name = name
        self._given = given

    def choice(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        """One of some words."""
        value = self._given.get(key, default)
        if value not in allowed:
            raise self._bad(key, value, ", ".join(allowed))
        return str(value)

    def share(self, key: str, default: float) -> float:
        """A number from 0 to 1."""
        value = self._given.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise self._bad(key, value, "0 to 1")
        return float(value)

    def whole(self, key: str, low: int, high: int, default: int) -> int:
        """A whole number from `low` to `high`."""
        value = self._given.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._bad(key, value, f"a whole number, {low} to {high}")
        return value

    def _bad(self, key: str, value: object, allowed: str) -> ValueError:
        return ValueError(f"persona {self._name}: {key}: {value!r:.40}, allowed: {allowed}")
