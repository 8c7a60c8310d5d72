"""Thresholds: what a point's figures are held against. Parsed before load starts.

    threshold = bound { ("," | "and") bound }
    bound     = figure ("<=" | "<" | ">=" | ">" | "==") number [unit]
    figure    = a figure of the point, such as p95 or 5xx; `p95_ms <= 2000` is `p95 <= 2000 ms`
    unit      = us ms s min | % | B kB MB GB (thousands) KiB MiB GiB | req/s | vCPU

    P1.7: p95 <= 2 s, p99 <= 5 s
    P1.8: 5xx <= 5 %

A unit must fit its figure; times and bytes need one, a share may be written as 0.05 or 5 %.
A figure without samples is NaN: such a threshold is `invalid`, never passed. So is one of a figure that is
not known but for what it is at least and at most, where its bound lies between the two.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

Status = Literal["pass", "fail", "invalid"]
_OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_UNITS: Final[dict[str, dict[str, float]]] = {
    "s": {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0},
    "share": {"": 1.0, "%": 0.01},
    "bytes": {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30},
    "req/s": {"": 1.0, "req/s": 1.0, "/s": 1.0},
    "vCPU": {"": 1.0, "vCPU": 1.0, "%": 0.01},
    "": {"": 1.0},
}
_ALL_UNITS: Final = sorted({unit for units in _UNITS.values() for unit in units if unit})
_COMPARISON: Final = re.compile(
    r"\s*(?P<figure>[A-Za-z0-9_.-]+?)(?:_(?P<suffix>ms|s))?\s*(?P<op><=|>=|==|<|>)\s*"
    r"(?P<number>[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*(?P<unit>[A-Za-z/%]*)\s*"
)
_JOIN: Final = re.compile(r",|\band\b")
NONE: Final[Mapping[str, float]] = {}
GRAMMAR: Final = "like `p95 <= 2 s` or `errors <= 1 %, p99 < 500 ms`"


@dataclass(frozen=True, slots=True)
class Bound:
    """One bound; `unit` as written, "" where there is none."""

    figure: str
    op: str
    number: float
    unit: str

    def __str__(self) -> str:
        return f"{self.figure} {self._asked}"

    @property
    def _asked(self) -> str:
        text = f"{self.number:g}"
        whole = text if float(text) == self.number else repr(self.number).removesuffix(".0")
        return f"{self.op} {whole}" + (f" {self.unit}" if self.unit else "")

    def check(self, figures: Mapping[str, str]) -> None:
        """Hold against a point's figures (name → base unit). Raises ValueError."""
        if self.figure not in figures:
            raise ValueError(f"figure {self.figure!r}, allowed: {', '.join(figures) or 'none'}")
        units = _UNITS[figures[self.figure]]
        if self.unit not in units:
            allowed = ", ".join(unit or "no unit" for unit in units)
            raise ValueError(f"{self}: unit {self.unit or 'is missing'}, allowed: {allowed}")

    def verdict(self, value: float, base_unit: str) -> Status:
        """`value` in the figure's base unit against the bound."""
        if math.isnan(value):
            return "invalid"
        return "pass" if _OPERATORS[self.op](value, self.in_base_unit(base_unit)) else "fail"

    def between(self, least: float, most: float, base_unit: str) -> Status:
        """A figure that lies between two against the bound: `invalid` where they do not agree."""
        found = {self.verdict(end, base_unit) for end in (least, most)}
        return found.pop() if len(found) == 1 else "invalid"

    def told(self, value: float, base_unit: str) -> str:
        """The figure in the threshold's own unit beside its bound: `p95 is 2.41 s (allowed <= 2 s)`."""
        unit = f" {self.unit}" if self.unit else ""
        factor = _UNITS[base_unit][self.unit]
        own = float(Decimal(repr(float(value))) / Decimal(repr(factor)))
        return f"{self.figure} is {_apart(own, self.number)}{unit} (allowed {self._asked})"

    def in_base_unit(self, base_unit: str) -> float:
        """The number in the base unit; by decimals, as 95 × 0.01 is more than 95 of 100."""
        factor = _UNITS[base_unit][self.unit]
        return float(Decimal(repr(self.number)) * Decimal(repr(factor)))


@dataclass(frozen=True, slots=True)
class Threshold:
    """All bounds of one point; each must hold."""

    bounds: tuple[Bound, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Threshold:
        """Read a threshold. Raises ValueError with one line that says what is allowed."""
        return cls(tuple(_bound(part, text) for part in _JOIN.split(text)))

    def __str__(self) -> str:
        return ", ".join(map(str, self.bounds))

    def check(self, figures: Mapping[str, str]) -> None:
        """Hold against a point's figures (name → base unit). Raises ValueError."""
        for bound in self.bounds:
            bound.check(figures)

    def about(self, figures: Iterable[str]) -> Threshold:
        """The part of it that is about these figures."""
        names = frozenset(figures)
        return Threshold(tuple(one for one in self.bounds if one.figure in names))

    def broken(
        self, values: Mapping[str, float], units: Mapping[str, str], at_least: Mapping[str, float] = NONE
    ) -> list[str]:
        """Each bound that does not hold, in words."""
        return [
            one.told(values[one.figure], units[one.figure])
            for one, status in self._held(values, units, at_least)
            if status == "fail"
        ]

    def verdict(
        self, values: Mapping[str, float], units: Mapping[str, str], at_least: Mapping[str, float] = NONE
    ) -> Status:
        """fail if one bound is broken, else invalid if one has no figure, else pass.

        `at_least`: what figures are at least of which `values` has what they are at most.
        """
        found = {status for _, status in self._held(values, units, at_least)}
        return "fail" if "fail" in found else "invalid" if "invalid" in found else "pass"

    def _held(
        self, values: Mapping[str, float], units: Mapping[str, str], at_least: Mapping[str, float]
    ) -> Iterator[tuple[Bound, Status]]:
        for one in self.bounds:
            most = values[one.figure]
            yield one, one.between(at_least.get(one.figure, most), most, units[one.figure])


def _apart(value: float, bound: float) -> str:
    """`value` to four digits, or to as many as show on which side of `bound` it is."""
    side = value > bound, value < bound
    texts = (f"{value:.{digits}g}" for digits in range(4, 18))
    apart = (text for text in texts if (float(text) > bound, float(text) < bound) == side)
    return next(apart, f"{value:.17g}")


def figure_of(told: str) -> str:
    """The figure of a bound that does not hold, from its words (`Bound.told`)."""
    return told.partition(" is ")[0]


def _bound(part: str, text: str) -> Bound:
    match = _COMPARISON.fullmatch(part)
    if match is None:
        raise ValueError(f"{part.strip() or text!r} is no comparison, allowed: {GRAMMAR}")
    suffix, unit = match["suffix"] or "", match["unit"]
    if suffix and unit:
        raise ValueError(f"{part.strip()!r} has two units, allowed: one, {GRAMMAR}")
    if unit and unit not in _ALL_UNITS:
        raise ValueError(f"{part.strip()!r}: unit {unit!r}, allowed: {', '.join(_ALL_UNITS)}")
    return Bound(match["figure"], match["op"], float(match["number"]), suffix or unit)
