"""Units and values of findings in the page's language, by what points declare and `values.ja.toml` holds."""

from __future__ import annotations

import re
from collections.abc import Mapping

from verdicts.language.catalogue import japanese, values
from verdicts.language.quantities import JAPANESE, localized

_LEADING = re.compile(r"^(ms|s|min)(?=\(|$)")


def translated(unit: str, known: Mapping[str, str]) -> str:
    """A unit by `known` (English → Japanese, `{}` for each value in it); as it is where nothing fits."""
    for english, words in known.items():
        pattern = "(.+)".join(map(re.escape, english.split("{}")))
        if found := re.fullmatch(pattern, unit):
            unit = words.format(*(japanese().get(one, one) for one in found.groups()))
            break
    return localized(_LEADING.sub(lambda one: JAPANESE[one[1]], unit), "ja")


def said(value: str, language: str) -> str:
    """A value that is words in the page's language, also a list of such; a quotation stays as it is."""
    if language != "ja":
        return value
    found = [_word(part) for part in value.split(", ")]
    return value if None in found else "、".join(filter(None, found))


def _word(value: str) -> str | None:
    for pattern, words in values().items():
        if found := re.fullmatch(pattern, value):
            return found.expand(words)
    return None


def gap(unit: str, language: str) -> str:
    """What stands between a number and its unit: Japanese puts a blank before a word of letters alone."""
    return " " if unit and (language != "ja" or unit[0].islower()) else ""
