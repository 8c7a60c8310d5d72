"""Plots of a suite, a row a run: what became of its calls, and how long the successful ones took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from verdicts.report.figure import shown

ROW: Final = 34  # pixels that a run takes
AROUND: Final = 110  # pixels of axis and legend
OUTCOMES: Final = (("ok", "good"), ("refused", "warn"), ("errors", "bad"), ("aborted", "faint"))
TIMES: Final = (("p50", "c2"), ("p95", "c1"), ("p99", "c3"))
Runs = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class RunRows:
    """One plot, a row a run. `series`: name → (colour, a value a run, None where there is none)."""

    id: str
    title: str
    unit: str
    summary: str
    names: Sequence[str]
    series: Mapping[str, tuple[str, Sequence[float | None]]]
    stacked: bool = False
    basis: str = "measured"
    instants_per_row: int = 1

    @property
    def spec(self) -> dict[str, Any]:
        """plotly's figure; the first run is at the top."""
        scale = {"rangemode": "tozero"} if self.stacked else {"type": "log"}
        layout = {
            "height": AROUND + ROW * len(self.names),
            **({"barmode": "stack"} if self.stacked else {}),
            "bargap": 0.25,
            "hovermode": "y unified",
            "xaxis": {"title": {"text": self.unit}, "tickformat": ",~g", **scale},
            "yaxis": {"type": "category", "autorange": "reversed"},
        }
        return {"data": [self._trace(name) for name in self.series], "layout": layout}

    def _trace(self, name: str) -> dict[str, Any]:
        """Bars for parts of a whole; dots on a logarithmic axis, where a bar's length would say nothing."""
        color, values = self.series[name]
        look = {"type": "bar", "orientation": "h"} if self.stacked else {"type": "scatter", "mode": "markers"}
        marker = {"color": f"var(--{color})", **({} if self.stacked else {"size": 11})}
        return {**look, "name": name, "marker": marker, "x": list(values), "y": list(self.names)}

    @property
    def table(self) -> tuple[list[str], list[list[str]]]:
        """(header, rows): every plotted number."""
        columns = [values for _, values in self.series.values()]
        rows = [[name, *map(shown, row)] for name, *row in zip(self.names, *columns, strict=True)]
        return ["run", *(f"{name}, {self.unit}" for name in self.series)], rows


def figures(runs: Runs) -> list[RunRows]:
    """The plots; `runs` are their verdicts.json by name, {} for one that left none. None without a call."""
    sent = {name: found for name, found in runs.items() if found and found["arrivals"]["sent"]}
    return list(_figures(sent)) if sent else []


def _figures(runs: Runs) -> Iterator[RunRows]:
    names = list(runs)
    shares = [_shares(found) for found in runs.values()]
    worst = min(range(len(names)), key=lambda place: shares[place]["ok"])
    yield RunRows(
        "outcomes", "What became of the calls", "%",
        f"Of the calls sent; the fewest succeeded in {names[worst]}: {shares[worst]['ok']:.3g} %.",
        names,
        {key: (color, [one[key] for one in shares]) for key, color in OUTCOMES
         if key in ("ok", "errors") or any(one[key] for one in shares)},
        stacked=True,
    )  # fmt: skip
    times = [found["response_ms"] for found in runs.values()]
    known = {name: one["p95"] for name, one in zip(names, times, strict=True) if one["p95"] is not None}
    if known:
        slowest = max(known, key=lambda name: known[name])
        yield RunRows(
            "response", "Response time", "ms",
            "Over successful calls, from the planned instant, slow tools' own time included; "
            f"the highest p95 has {slowest}: {known[slowest]:,.4g} ms.",
            names,
            {key: (color, [one[key] for one in times]) for key, color in TIMES},
        )  # fmt: skip


def _shares(found: Mapping[str, Any]) -> dict[str, float]:
    """Percent of the calls sent by what became of them."""
    books, refused = found["arrivals"], sum(found.get("refusals", {}).values())
    counts = {"ok": books["ok"], "refused": refused, "aborted": books["aborted"]}
    counts["errors"] = max(books["failed"] - refused, 0)
    return {key: round(100 * count / books["sent"], 6) for key, count in counts.items()}
