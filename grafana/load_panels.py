"""Panels of the load: did the attack arrive, and what came back."""

from __future__ import annotations

from typing import Final

from grafana.panel import BLUE, GREEN, ORANGE, RED, Panel
from grafana.promql import Prom, at_the_end, speed, words
from grafana.query import EACH, RUN, WORKER, Query, final, final_share, last, over_workers

P95_LIMIT_MS: Final = 2000.0
SHARE_5XX: Final = 0.05
VERDICT_WORDS: Final = {
    "pass": ("pass", GREEN),
    "fail": ("fail", RED),
    "invalid": ("invalid", ORANGE),
    "inconclusive": ("inconclusive", ORANGE),
}
PER_SECOND: Final = "* 1000 / $__interval_ms"
REQUESTS: Final = "resilience_requests_total"
OK: Final = f'{WORKER.prom}, result="ok"'
ANSWER: Final = ("point", "question", "said", "unit", "threshold", "status", "basis")


def whole(field: str, name: str) -> Query:
    """A figure of the whole run, second by second."""
    return last(field, RUN, measurement="requests", name=name)


def since_start(name: str, where: str, *labels: str) -> Prom:
    """A percentile over the whole run as it was last, ms."""
    quantile = "1" if name == "max" else f"0.{name.removeprefix('p')}".rstrip("0")
    matchers = f'{where}, quantile="{quantile}"'
    found = f"last_over_time(resilience_run_response_seconds{{{matchers}}}[$__range])"
    legend = " ".join([*(f"{{{{{label}}}}}" for label in labels), name])
    return Prom(f"1000 * max{' by (' + ', '.join(labels) + ') ' if labels else ''}({found})", legend, "last")


def mean_of(part: str, where: str, *labels: str) -> Prom:
    """Milliseconds a call, from the sums of `part` and the count of calls."""
    return Prom(
        f"1000 * {speed(f'resilience_requests_{part}_seconds_total', where, *labels)}"
        f" / {speed(REQUESTS, where, *labels)}"
    )


def share(part: str) -> Query:
    """The share of the calls that ended so, second by second."""
    text = f'SELECT sum("{part}") / sum("calls") FROM "requests" WHERE {RUN} {EACH} fill(none)'
    of = (speed(f"resilience_calls_{name}total", RUN.prom) for name in (f"{part}_", ""))
    return Query(text, part, prom=(Prom(" / ".join(of)),))


VERDICT: Final = Panel(
    "Verdict",
    "What the run's judge said: pass, fail, or invalid when the attack did not arrive as planned.",
    "string",
    (
        Query(
            f'SELECT last("verdict") AS "verdict" FROM "run" WHERE {RUN}',
            table=True,
            prom=(words("resilience_verdict_info", RUN.prom, "verdict"),),
        ),
    ),
    kind="stat",
    width=4,
    height=5,
    words=VERDICT_WORDS,
)
LEDGER: Final = Panel(
    "Arrivals",
    "The ledger at its last count: planned = sent + dropped; anything else makes the run invalid. "
    "Extra calls are those beyond the schedule, such as opening a session.",
    "short",
    (final("planned", "sent", "dropped", "late", "extra"),),
    kind="stat",
    width=12,
    height=5,
)
LATE: Final = Panel(
    "Late arrivals",
    "Share of the calls that went out over 50 ms after their time. Over 1 % the run is invalid: the load "
    "machine was too slow.",
    "percentunit",
    (final_share("late", "sent"),),
    kind="stat",
    width=4,
    height=5,
    bad=0.01,
)
DROPPED: Final = Panel(
    "Dropped arrivals",
    "Share of the planned calls that were never sent. Over 0.1 % the run is invalid.",
    "percentunit",
    (final_share("dropped", "planned"),),
    kind="stat",
    width=4,
    height=5,
    bad=0.001,
)
RATES: Final = Panel(
    "Planned, sent and done",
    "Requests a second. Planned and sent on top of each other: the attack arrives as designed. Done below "
    "sent: the target falls behind, and calls pile up.",
    "reqps",
    (
        over_workers("planned", "planned", rising=True),
        over_workers("sent", "sent", rising=True),
        over_workers("done", "done", rising=True),
    ),
)
IN_FLIGHT: Final = Panel(
    "Calls in flight",
    "Calls sent and not yet answered, all workers together.",
    "short",
    (over_workers("in_flight", "in flight"),),
)
START_DELAY: Final = Panel(
    "Start delay",
    "How long after its planned time a call really went out: the load machine's own delay, never the "
    "target's. Over 50 ms a call is late.",
    "ms",
    tuple(
        last(f"start_delay_{name}_ms", RUN, measurement="arrivals", name=name)
        for name in ("p50", "p99", "max")
    ),
    bad=50.0,
)
RESPONSE: Final = Panel(
    "Response time of successful calls",
    "From the planned time to the answer, of the calls that ended in each second. The operator's alert is a "
    "p95 above 2 s.",
    "ms",
    (whole("p50_ms", "p50"), whole("p95_ms", "p95"), whole("p99_ms", "p99"), whole("max_ms", "max")),
    bad=P95_LIMIT_MS,
)
RUN_PERCENTILES: Final = Panel(
    "Response time since the run's start",
    "Percentiles over all successful calls so far, from merged histograms: at the end they are the report's.",
    "ms",
    (
        Query(
            'SELECT last("run_p50_ms") AS "p50", last("run_p95_ms") AS "p95", last("run_p99_ms") AS "p99", '
            f'last("run_max_ms") AS "max" FROM "requests" WHERE {RUN}',
            table=True,
            prom=tuple(since_start(name, RUN.prom) for name in ("p50", "p95", "p99", "max")),
        ),
    ),
    kind="stat",
    width=12,
    height=5,
    bad=P95_LIMIT_MS,
)
RESULTS: Final = Panel(
    "How calls end",
    "Answers a second by result: ok, or the reason of the refusal or error.",
    "reqps",
    (
        Query(
            f'SELECT sum("count") {PER_SECOND} FROM "requests" WHERE {WORKER} {EACH}, "result" fill(none)',
            "$tag_result",
            prom=(Prom(speed(REQUESTS, WORKER.prom, "result")),),
        ),
    ),
)
STATUSES: Final = Panel(
    "HTTP status",
    "Answers a second by status; 0 is a call without an answer.",
    "reqps",
    (
        Query(
            f'SELECT sum("count") {PER_SECOND} FROM "requests" WHERE {WORKER} {EACH}, "status" fill(none)',
            "$tag_status",
            prom=(Prom(speed(REQUESTS, WORKER.prom, "status")),),
        ),
    ),
)
SHARES: Final = Panel(
    "Refusals and errors",
    "Share of the calls that ended in each second. A refusal is a protection that said no; an error is "
    "anything else that is no result. The operator's alert is 5 % of 5xx.",
    "percentunit",
    (share("refusals"), share("errors"), share("status_5xx")),
    bad=SHARE_5XX,
)
TOOLS: Final = Panel(
    "Mean response time by tool",
    "All calls of a tool, also those that failed.",
    "ms",
    (
        Query(
            f'SELECT sum("response_sum_ms") / sum("count") FROM "requests" WHERE {WORKER} {EACH}, "tool" '
            "fill(none)",
            "$tag_tool",
            prom=(mean_of("response", WORKER.prom, "tool"),),
        ),
    ),
)
SERVICE, UPSTREAM = (mean_of(what, OK, "tool").expr for what in ("service", "upstream"))
OVERHEAD: Final = Panel(
    "Mean time in the gateway",
    "Service time less the time that the upstream says it took itself: what the gateway adds. Only for "
    "answers that tell the upstream's time.",
    "ms",
    (
        Query(
            'SELECT (sum("service_sum_ms") - sum("upstream_sum_ms")) / sum("count") FROM "requests" WHERE '
            f'{WORKER} AND "result" = \'ok\' AND "upstream_sum_ms" > 0 {EACH}, "tool" fill(none)',
            "$tag_tool",
            prom=(Prom(f"({SERVICE} - {UPSTREAM}) and {UPSTREAM} > 0"),),
        ),
    ),
)
COUNTS: Final = Panel(
    "Calls by tool, status and result",
    "How many calls of the run ended how; the sum of all rows is the ledger's sent.",
    "short",
    (
        Query(
            f'SELECT sum("count") AS "calls" FROM "requests" WHERE {WORKER} GROUP '
            f'BY "tool", "status", "result"',
            table=True,
            prom=(Prom(at_the_end(REQUESTS, WORKER.prom, "tool", "status", "result"), kind="table"),),
        ),
    ),
    kind="table",
)
ANSWERS: Final = Panel(
    "Answers of the plan",
    "The verification points with their numbers, once the run is judged.",
    "string",
    (
        Query(
            'SELECT "point", "question", "said", "unit", "threshold", "status", "basis" FROM "points" '
            f"WHERE {RUN}",
            table=True,
            prom=(words("resilience_point_info", RUN.prom, *ANSWER),),
        ),
    ),
    kind="table",
    width=24,
    height=10,
    words={**VERDICT_WORDS, "info": ("info", BLUE)},
)
RUNS: Final = Panel(
    "Runs",
    "Every judged run in the chosen time.",
    "string",
    (
        Query(
            'SELECT last("verdict") AS "verdict", last("text") AS "text" FROM '
            '"run" WHERE "kind" = \'verdict\' '
            'AND $timeFilter GROUP BY "run", "scenario", "protections"',
            table=True,
            prom=(words("resilience_verdict_info", "", "verdict", "text", "run", "scenario", "protections"),),
        ),
    ),
    kind="table",
    width=12,
    words=VERDICT_WORDS,
)
