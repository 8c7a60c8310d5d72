"""Numbers with their units, as each language writes them: `13.5 %` and `13.5%`, `70.5 s` and `70.5秒`.

The one place that knows: texts of rules, thresholds and units go through it. A `unit` of UNITS says what a
value in base units is multiplied by.
"""

from __future__ import annotations

import re
from typing import Final

UNITS: Final = {
    "": 1.0,
    "%": 100.0,
    "ms": 1000.0,
    "s": 1.0,
    "MB": 1e-6,
    "KiB": 1 / 1024,
}
JAPANESE: Final = {"s": "秒", "ms": "ミリ秒", "min": "分"}
_BOUND: Final = re.compile(r"[<>=] ([\d.e+-]+)")
_WRITTEN: Final = re.compile(r"(?<=\d) (%|ms|s|min|kB|MB|GB|KiB|MiB|GiB|vCPU)(?![A-Za-z/])")


def shown(value: float, unit: str = "", language: str = "en") -> str:
    """A value in base units, in a unit of UNITS: three digits, whole numbers whole, thousands apart."""
    text = plain(value * UNITS[unit])
    return localized(f"{text} {unit}", language) if unit else text


def plain(value: float) -> str:
    """Whole numbers whole, large ones without decimals, others to three digits."""
    if abs(value) >= 100 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.3g}"


def against(text: str, value: float, threshold: str) -> str:
    """`text` of a value that breaks `threshold`; the value whole where those digits are a bound's.

    98.996 % breaks 99 %, and 2,000.3 ms break 2 s: neither reads so as 99 and 2,000.
    """
    bounds = {_digits(number) for number in _BOUND.findall(threshold)}
    return f"{value:,.10g}" if _digits(text) in bounds else text


def _digits(number: str) -> str:
    """Those that a power of ten, and so most units, leaves as they are."""
    return re.sub(r"\D", "", number).strip("0")


def localized(text: str, language: str) -> str:
    """A text with units as the language writes them: Japanese puts no blank before a unit."""
    if language != "ja":
        return text
    return _WRITTEN.sub(lambda unit: JAPANESE.get(unit[1], unit[1]), text)
