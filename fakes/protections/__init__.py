"""The protections by name, their presets, and the grammar of `PROTECT=`.

    PROTECT = preset | names            names may be empty: nothing is on
    names   = item ("," item)*
    item    = name | preset | "+" name | "-" name       (a preset only as the first item)

`today,-burst-limit` is today's set without the burst limit; `today,+breaker` (or `today,breaker`)
adds one. Unknown, repeated and absent-but-removed names are refused, in one line.

From `phase1` on the burst limit counts in the isolate's memory: presets carry that as settings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

NAMES: Final = (
    "worker-cpu",
    "ip-limit",
    "jwks-cache",
    "burst-limit",
    "rate-limit",
    "user-concurrency",
    "global-concurrency",
    "timeout",
    "breaker",
)
_TODAY: Final = ("worker-cpu", "ip-limit", "jwks-cache", "burst-limit", "rate-limit")
_PHASE1: Final = (*_TODAY, "user-concurrency", "timeout")
PRESETS: Final[dict[str, tuple[str, ...]]] = {
    "none": (),
    "today": _TODAY,
    "phase1": _PHASE1,
    "phase2": NAMES,
    "all": NAMES,
}
_MEMORY_CACHE: Final = {"edge": {"burst_strategy": "memory-cache"}}


@dataclass(frozen=True, slots=True)
class Choice:
    """What `PROTECT=` asked for: names in `NAMES` order, and settings that come with them."""

    names: tuple[str, ...]
    preset: str | None = None  # the preset that it is, or that it starts from
    settings: dict[str, Any] = field(default_factory=dict)  # to be merged over the scenario's


def parse(text: str) -> Choice:
    """Read a `PROTECT=` string. Raises ValueError with one line that names what is allowed."""
    items = [item.strip() for item in text.split(",")] if text.strip() else []
    if not all(items):
        raise ValueError(f"an empty name in {text!r:.40}; allowed: {', '.join((*PRESETS, *NAMES))}")
    preset = items.pop(0) if items and items[0] in PRESETS else None
    names = list(PRESETS[preset]) if preset else []
    for item in items:
        _apply(item, names)
    settings = _MEMORY_CACHE if preset in ("phase1", "phase2", "all") else {}
    return Choice(_ordered(names), preset, settings)


def check_names(names: Iterable[str]) -> tuple[str, ...]:
    """Protection names, in order, each known and there once. Raises ValueError."""
    checked: list[str] = []
    for name in names:
        _add(name, checked)
    return _ordered(checked)


def _apply(item: str, names: list[str]) -> None:
    if item.startswith("-"):
        _remove(item[1:].strip(), names)
    else:
        _add(item.removeprefix("+").strip(), names)


def _add(name: str, names: list[str]) -> None:
    _known(name)
    if name in names:
        raise ValueError(f"protection {name!r} is named twice; allowed, once each: {', '.join(NAMES)}")
    names.append(name)


def _remove(name: str, names: list[str]) -> None:
    _known(name)
    if name not in names:
        raise ValueError(f"protection {name!r} is not on, so it cannot be removed; on: {', '.join(names)}")
    names.remove(name)


def _known(name: str) -> None:
    if name not in NAMES:
        allowed = f"one preset of {', '.join(PRESETS)}, or names of {', '.join(NAMES)}"
        raise ValueError(f"unknown protection {name!r}; allowed: {allowed}")


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=NAMES.index))
