"""Prometheus text into the values of one line of `target.jsonl`.

The text is read by prometheus-client's parser: 8 µs a sample, 1 ms for a process of the stack (120
samples), so a second's scrape of the whole stack costs less than one hundredth of a core. As that
parser does, a counter whose name lacks `_total` gets it. Values that are not finite are left out,
because JSON has no word for them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

SUFFIXES: Final = ("_bucket", "_count", "_sum", "_total", "_created")
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class ExpositionError(ValueError):
    """A text that is not Prometheus text, as one line."""


def values(text: str, names: Mapping[str, str] | None = None) -> dict[str, float]:
    """Every finite sample as `name{label="x",…}` (labels sorted) → number.

    `names` maps a name of the source to ours; it also covers the series of a histogram or summary.
    Raises ExpositionError for any text that the parser cannot read, or that holds no sample.
    """
    try:
        found = {
            key(renamed(sample.name, names or {}), sample.labels): float(sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    except Exception as error:  # the parser answers foreign text with errors of every kind
        raise ExpositionError(f"not Prometheus text: {_short(error)}") from None
    if not found:
        raise ExpositionError("not Prometheus text: it holds no sample")
    return {name: value for name, value in found.items() if math.isfinite(value)}


def key(name: str, labels: Mapping[str, str]) -> str:
    """The one spelling of a series: labels sorted, values escaped as in Prometheus text."""
    if not labels:
        return name
    inner = ",".join(f'{label}="{value.translate(_ESCAPES)}"' for label, value in sorted(labels.items()))
    return f"{name}{{{inner}}}"


def renamed(name: str, names: Mapping[str, str]) -> str:
    """Our name for a source's name; the name itself if the map does not speak of it."""
    if not names or name in names:
        return names.get(name, name)
    for suffix in SUFFIXES:
        ours = names.get(name.removesuffix(suffix)) if name.endswith(suffix) else None
        if ours is not None:
            return ours.removesuffix(suffix) + suffix
    return name


def _short(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120] or type(error).__name__
