"""The numbers that rules speak of: one namespace a question, in which what is not known is NaN.

A figure has the name that its point gives it (`in_flight`), a part's own value that of the part
(`per_user_value`), the point's own `value`; those of the plan's other runs come with the run's label
(`phase2_success`). Beside them: `time_scale`, `load_s`, `offered` (req/s sent), `fails` (failed findings).
Every comparison with NaN is false: no number, no recommendation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from string import Formatter
from typing import Any, Final

from verdicts.language import quantities

PART: Final = re.compile(r"^(C\d+|[^.]+\.\d+)\.?")  # what stands before an id's part


class Number(float):
    """A number that knows how texts show it: `{x}`, `{x:%}`, `{x:ms}`, `{x:s}`, `{x:MB}`, `{x:KiB}`."""

    def __format__(self, spec: str) -> str:
        return quantities.shown(self, spec) if spec in quantities.UNITS else float.__format__(self, spec)


class _Texts(Formatter):
    """Fills numbers into a text of one language."""

    def __init__(self, language: str) -> None:
        self.language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Number) and format_spec in quantities.UNITS:
            return quantities.shown(value, format_spec, self.language)
        return str(super().format_field(value, format_spec))


class Numbers(dict[str, Number]):
    """Names to numbers; an unknown name is NaN. `on` are the protections of the run that answers."""

    def __init__(self, known: Mapping[str, float], on: Iterable[str] = ()) -> None:
        super().__init__({name: Number(value) for name, value in known.items()})
        self.on = frozenset(on)

    def __missing__(self, name: str) -> Number:
        return Number("nan")

    def __getattr__(self, name: str) -> Number:
        return self[name]

    def says(self, template: str, language: str = "en", **words: str) -> str | None:
        """The template with its numbers and words filled in; None where a number is not known."""
        names = [name for _, name, _, _ in Formatter().parse(template) if name and name not in words]
        if any(math.isnan(self[name]) for name in names):
            return None
        return _Texts(language).vformat(template, (), {**self, **words})


def of(results: Iterable[Mapping[str, Any]], found: Mapping[str, Any], label: str = "") -> dict[str, float]:
    """What one run says about a question: `results` are its findings, `found` is its verdicts.json."""
    said: dict[str, Any] = {"time_scale": found.get("time_scale"), "load_s": found.get("duration_s")}
    if found.get("duration_s"):
        said["offered"] = found["arrivals"]["sent"] / found["duration_s"]
    results = list(results)
    said["fails"] = sum(one["status"] == "fail" for one in results)
    for one in results:
        part = PART.sub("", one["id"])
        said[f"{part}_value" if part else "value"] = one["value"]
        said |= one.get("figures", {})
    prefix = f"{label}_" if label else ""
    return {
        f"{prefix}{name}".replace("-", "_"): value
        for name, value in said.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
