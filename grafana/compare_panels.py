"""Panels that lay two runs over each other, by the second of the run and whatever their dates."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from grafana.load_panels import P95_LIMIT_MS, REQUESTS, VERDICT_WORDS, since_start
from grafana.panel import Panel
from grafana.promql import Prom, at_the_end, words
from grafana.query import Query, Where

ANSWERED: Final = ("point", "said", "unit", "status")
RUNS: Final = {"A": "run_a", "B": "run_b"}
BOTH: Final = Where('"run" =~ /^($run_a|$run_b)$/', 'run=~"$run_a|$run_b"')


def laid_over(
    title: str, description: str, unit: str, *fields: tuple[str, str], bad: float | None = None
) -> Panel:
    """Figures of the whole run, by second; `fields` are (field, what the legend says)."""
    queries = tuple(
        Query(
            f'SELECT "second", {_columns(fields, letter)} FROM "requests" WHERE "run" =~ /^${variable}$/',
            table=True,
        )
        for letter, variable in RUNS.items()
    )
    return Panel(title, description, unit, queries, kind="trend", bad=bad, join="second")


def _columns(fields: tuple[tuple[str, str], ...], letter: str) -> str:
    return ", ".join(f'"{name}" AS "{letter} {said}"' for name, said in fields)


RESPONSE: Final = laid_over(
    "Response time, p95",
    "p95 of the successful calls that ended in each second of the run, both runs.",
    "ms",
    ("p95_ms", "p95"),
    bad=P95_LIMIT_MS,
)
MEDIAN: Final = laid_over(
    "Response time, p50",
    "Median of the successful calls that ended in each second of the run, both runs.",
    "ms",
    ("p50_ms", "p50"),
)
GOOD: Final = laid_over(
    "Successful calls", "Successful calls in each second of the run, both runs.", "reqps", ("ok", "ok")
)
BAD: Final = laid_over(
    "Refusals and errors",
    "Calls that ended so in each second of the run, both runs.",
    "reqps",
    ("refusals", "refusals"),
    ("errors", "errors"),
)
SUMMARY: Final = Panel(
    "Both runs",
    "Percentiles of all successful calls since each run's start.",
    "ms",
    (
        Query(
            'SELECT last("run_p50_ms") AS "p50", last("run_p95_ms") AS "p95", last("run_p99_ms") AS "p99", '
            f'last("run_max_ms") AS "max" FROM "requests" WHERE {BOTH} GROUP BY "run", "protections"',
            table=True,
            prom=tuple(
                replace(since_start(name, BOTH.prom, "run", "protections"), kind="table")
                for name in ("p50", "p95", "p99", "max")
            ),
        ),
    ),
    kind="table",
)
ENDINGS: Final = Panel(
    "How calls ended",
    "All calls of each run by result.",
    "short",
    (
        Query(
            f'SELECT sum("count") AS "calls" FROM "requests" WHERE {BOTH} GROUP BY "run", "result"',
            table=True,
            prom=(Prom(at_the_end(REQUESTS, BOTH.prom, "run", "result"), kind="table"),),
        ),
    ),
    kind="table",
)
ANSWERS: Final = Panel(
    "Answers of the plan",
    "The verification points of both runs, side by side.",
    "string",
    tuple(
        Query(
            f'SELECT "point", "said" AS "{letter}", "unit" AS "{letter} unit", "status" AS "{letter} status" '
            f'FROM "points" WHERE "run" =~ /^${variable}$/',
            table=True,
            prom=(words("resilience_point_info", f'run=~"${variable}"', *ANSWERED),),
        )
        for letter, variable in RUNS.items()
    ),
    kind="table",
    width=24,
    words=VERDICT_WORDS,
    join="point",
)
