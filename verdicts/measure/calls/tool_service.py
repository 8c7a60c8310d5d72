"""What users got of each tool: counts, success, times. The rows of points about innocent users.

A slow tool is judged by what the gateway adds to the upstream's own time, a fast one by its whole
response time.
"""

from __future__ import annotations

from typing import NamedTuple

from verdicts.measure.calls import concurrency, outcomes, percentiles
from verdicts.measure.calls.percentiles import Percentiles
from verdicts.run.reading import Mask, Run


class ToolService(NamedTuple):
    """One tool over some scheduled calls; times over its successful calls, seconds."""

    tool: str
    slow: bool
    sent: int
    ok: int
    refused: int
    errors: int
    response: Percentiles
    added: Percentiles

    @property
    def success(self) -> float:
        """Share of sent calls that succeeded; NaN without calls."""
        return self.ok / self.sent if self.sent else float("nan")

    @property
    def p95(self) -> float:
        """The p95 that the tool is judged by."""
        return self.added.p95 if self.slow else self.response.p95

    def row(self) -> dict[str, float | int | str | None]:
        """As a row of a table."""
        share = None if not self.sent else round(self.success * 100, 2)
        return {
            "tool": self.tool,
            "sent": self.sent,
            "ok": self.ok,
            "success %": share,
            "refused": self.refused,
            "errors": self.errors,
            "p50 ms": percentiles.milliseconds(self.response.p50),
            "p95 ms": percentiles.milliseconds(self.response.p95),
            "p95 added ms": percentiles.milliseconds(self.added.p95),
        }


def of(run: Run, mask: Mask, tool: str = "all", *, slow: bool = False) -> ToolService:
    """The service that the masked scheduled calls got."""
    calls = mask & run.sent
    ok = calls & run.ok
    return ToolService(
        tool=tool,
        slow=slow,
        sent=int(calls.sum()),
        ok=int(ok.sum()),
        refused=int((calls & outcomes.refused(run)).sum()),
        errors=int((calls & outcomes.errors(run)).sum()),
        response=percentiles.of(percentiles.response(run, ok)),
        added=percentiles.of(percentiles.overhead(run, ok)),
    )


def by_tool(run: Run, mask: Mask) -> list[ToolService]:
    """The same tool by tool."""
    slow = concurrency.slow_tools(run)
    codes, _ = run.samples["tool"].of(mask & run.sent).counts()
    return [
        of(
            run,
            mask & (run.samples["tool"] == code),
            run.manifest.tools[int(code)],
            slow=int(code) in slow,
        )
        for code in codes
    ]
