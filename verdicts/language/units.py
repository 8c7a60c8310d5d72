"""Units of findings in the page's language, by what points declare."""

from __future__ import annotations

import re
from collections.abc import Mapping


def translated(unit: str, known: Mapping[str, str]) -> str:
    """A unit by `known` (English → Japanese, `{}` for each value in it); as it is where nothing fits."""
    for english, japanese in known.items():
        pattern = "(.+)".join(map(re.escape, english.split("{}")))
        if found := re.fullmatch(pattern, unit):
            return japanese.format(*found.groups())
    return unit
