"""Laying one tree of plain data over another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merged(tree: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """`tree` with `part` over it, mapping by mapping; anything else in `part` replaces what was there."""
    result = dict(tree)
    for key, value in part.items():
        below = result.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        result[key] = merged(below, value) if both else value  # type: ignore[arg-type]
    return result
