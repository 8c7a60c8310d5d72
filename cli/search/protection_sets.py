"""Which protections a breakpoint table has rows for, in which order they are searched, and from where.

Rows: none; each protection alone; each preset. A set with the same names and settings as an earlier row
is not searched again: its row says whose answer it has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from common.protections import NAMES, PRESETS, parse

NONE: Final = "none"


def rows() -> list[str]:
    """Every row of the whole table, as PROTECT= has it, in the order of search: members before presets."""
    return [NONE, *NAMES, *(preset for preset in PRESETS if preset != NONE)]


def same_as(protect: str, before: Sequence[str]) -> str:
    """The row of `before` that has the same protections with the same settings; "" if none has."""
    mine = parse(protect)
    for other in before:
        theirs = parse(other)
        if (mine.names, mine.settings) == (theirs.names, theirs.settings):
            return other
    return ""


def start(protect: str, known: Mapping[str, float]) -> float | None:
    """A likely breakpoint, from rows that are known: of the set's protections, the one that changed most.

    `known`: row → req/s. None where nothing is known.
    """
    base = known.get(NONE)
    mine = [known[name] for name in parse(protect).names if name in known]
    if base is None:
        return mine[0] if mine else next(iter(known.values()), None)
    return max(mine, key=lambda rate: abs(math.log(rate / base)), default=base)
