"""Panels of the target: what the probes read of origin, edge, KV, database and upstreams."""

from __future__ import annotations

from typing import Final

from grafana.panel import BLUE, GREEN, RED, Panel
from grafana.promql import Prom, speed
from grafana.query import EACH, RUN, Query, Where, last, rate

ORIGINS: Final = Where(
    f'{RUN} AND "source" !~ /^(edge|upstream|supabase|stack)$/',
    f'{RUN.prom}, source!~"edge|upstream|supabase|stack"',
)
EDGE: Final = Where(f'{RUN} AND "source" =~ /^(edge|target-.*)$/', f'{RUN.prom}, source=~"edge|target-.*"')
MIB: Final = 1024 * 1024
MEMORY_ALERT: Final = 200e6  # bytes, the operator's: megabytes, unlike the nano's own 256 MiB
NANO_SHARE: Final = 0.1  # vCPU of a nano
STATE_WORDS: Final = {"0": ("no", "transparent"), "1": ("yes", BLUE)}


def mean(total: str, count: str, where: Where, *tags: str, name: str) -> Query:
    """The mean of what was observed in each interval, from a histogram's sum and count."""
    by = "".join(f', "{tag}"' for tag in tags)
    text = (
        f'SELECT non_negative_derivative(last("{total}"), 1s) / non_negative_derivative(last("{count}"), 1s) '
        f'FROM "target" WHERE {where} {EACH}{by} fill(none)'
    )
    prom = Prom(" / ".join(speed(one, where.prom, *tags) for one in (total, count)))
    return Query(text, name, prom=(prom,))


UP: Final = Panel(
    "Sources that answer",
    "Whether each process answered its last scrape.",
    "none",
    (last("up", RUN, "source"),),
    kind="states",
    width=24,
    height=6,
    words={"0": ("down", RED), "1": ("up", GREEN)},
)
REQUESTS: Final = Panel(
    "Requests by the target's own count",
    "What each process says it answered. At the edge it is what was sent "
    "plus extra calls; at the origin what "
    "the protections let through.",
    "reqps",
    (rate("mcpist_requests_total", RUN, "source", "status"),),
)
ORIGIN_IN_FLIGHT: Final = Panel(
    "Requests in the origin",
    "Requests that the origin works on at this moment.",
    "short",
    (last("mcpist_in_flight", ORIGINS, "source"),),
)
NANO_CPU: Final = Panel(
    "CPU of the nano (modelled)",
    "Modelled share of the nano's 0.1 vCPU, never that of the Python processes. The operator's alert is "
    "80 % for 5 minutes.",
    "percentunit",
    (
        Query(
            f'SELECT non_negative_derivative(last("mcpist_nano_cpu_seconds_total"), 1s) / {NANO_SHARE} FROM '
            f'"target" WHERE {ORIGINS} {EACH}, "source" fill(none)',
            "$tag_source",
            prom=(Prom(f"{speed('mcpist_nano_cpu_seconds_total', ORIGINS.prom, 'source')} / {NANO_SHARE}"),),
        ),
    ),
    bad=0.8,
)
MEMORY: Final = Panel(
    "Memory of the origin",
    "Of an origin in Python modelled: base plus goroutines with their buffers; of any other resident. The "
    "operator's alert is 200 MB; at 256 MB the instance is killed.",
    "bytes",
    (last("mcpist_memory_bytes", ORIGINS, "source"),),
    warn=MEMORY_ALERT,
    bad=256.0 * MIB,
)
GOROUTINES: Final = Panel(
    "Goroutines",
    "Goroutines of the gateway: what memory grows with. Of an origin in Python they are modelled.",
    "short",
    (last("mcpist_goroutines", ORIGINS, "source"),),
)
PROCESS_CPU: Final = Panel(
    "CPU of the bundled stack's processes",
    "Share of one core that each of our own processes takes: it tells a slow test stack from a slow gateway, "
    "and is no estimate of the real gateway's.",
    "percentunit",
    (rate("stack_process_cpu_seconds_total", RUN, "process"),),
    bad=1.0,
)
DB_CONNECTIONS: Final = Panel(
    "Database connections",
    "Connections of the origin's pool by state. Waiting above zero: the pool is exhausted.",
    "short",
    (last("mcpist_db_connections", ORIGINS, "source", "state"),),
    bad=60.0,
)
DB_SERVER: Final = Panel(
    "Connections at the database",
    "What Postgres itself counts; it allows 60.",
    "short",
    (last("stack_db_connections", RUN, "state"),),
    bad=60.0,
)
DB_TIME: Final = Panel(
    "Mean time of a database transaction",
    "The credit transaction, with the wait for a connection.",
    "s",
    (
        mean(
            "mcpist_db_query_duration_seconds_sum",
            "mcpist_db_query_duration_seconds_count",
            ORIGINS,
            "source",
            name="$tag_source",
        ),
    ),
)
DB_ERRORS: Final = Panel(
    "Database errors",
    "Errors a second by Postgres's code.",
    "cps",
    (rate("mcpist_db_errors_total", ORIGINS, "code"),),
)
CREDITS: Final = Panel(
    "Credits consumed",
    "Calls a second that were paid for.",
    "cps",
    (rate("mcpist_credits_consumed_total", ORIGINS, "source"),),
)
REFUSED: Final = Panel(
    "Refusals by reason",
    "What the target's protections refused, a second, by its own count.",
    "cps",
    (rate("mcpist_refused_total", RUN, "source", "reason"),),
)
LIMIT_HITS: Final = Panel(
    "Rate-limit hits",
    "How often each limit was hit, a second. The operator's alert is 100 hits a minute.",
    "cps",
    (rate("mcpist_rate_limit_hits_total", RUN, "source", "limit"),),
    bad=100 / 60,
)
KV: Final = Panel(
    "KV reads and writes",
    "Operations a second on the edge's KV namespace.",
    "ops",
    (rate("mcpist_kv_reads_total", EDGE, name="reads"), rate("mcpist_kv_writes_total", EDGE, name="writes")),
)
KV_USED: Final = Panel(
    "KV writes so far",
    "Writes since the run's start. The free plan allows 1,000 a day.",
    "short",
    (last("mcpist_kv_writes_total", EDGE, name="writes"),),
    bad=1000.0,
)
KV_FAILURES: Final = Panel(
    "KV failures",
    "Operations a second that the KV namespace refused, by cause.",
    "ops",
    (rate("mcpist_kv_failures_total", EDGE, "op", "cause"),),
)
JWKS: Final = Panel(
    "JWKS fetches",
    "Fetches a second of the signing keys, by cause; and what the issuer saw. Near zero: the cache holds.",
    "cps",
    (
        rate("mcpist_jwks_fetches_total", EDGE, "cause"),
        rate("mcpist_jwks_requests_total", RUN, name="at the issuer"),
    ),
)
JWT_CPU: Final = Panel(
    "CPU of a token's check",
    "Mean CPU time of one verification at the bundled edge. A Worker may take 10 ms a request.",
    "s",
    (
        mean(
            "mcpist_jwt_verify_cpu_seconds_sum",
            "mcpist_jwt_verify_cpu_seconds_count",
            EDGE,
            "result",
            name="$tag_result",
        ),
    ),
    bad=0.010,
)
LB_STATE: Final = Panel(
    "Load balancer",
    "Which state the balancer is in.",
    "none",
    (last("mcpist_lb_state", EDGE, "state"),),
    kind="states",
    words=STATE_WORDS,
)
LB_SPLIT: Final = Panel(
    "Requests by origin",
    "What the balancer sent where, a second.",
    "reqps",
    (rate("mcpist_lb_forwarded_total", EDGE, "origin"),),
)
BREAKER: Final = Panel(
    "Circuit breaker",
    "Which state the breaker of each upstream is in.",
    "none",
    (last("mcpist_breaker_state", ORIGINS, "upstream", "state"),),
    kind="states",
    words=STATE_WORDS,
)
NANO_STATE: Final = Panel(
    "Nano (modelled)",
    "Whether the instance runs, or was killed and restarts.",
    "none",
    (last("mcpist_nano_state", ORIGINS, "source", "state"),),
    kind="states",
    words=STATE_WORDS,
)
UPSTREAM_IN_FLIGHT: Final = Panel(
    "Calls in the upstreams",
    "Calls that Notion and JIRA work on at this moment.",
    "short",
    (last("mcpist_upstream_in_flight", RUN, "upstream"),),
)
UPSTREAM_CALLS: Final = Panel(
    "Upstream calls by outcome",
    "What the origin's calls to the upstreams came to, a second.",
    "reqps",
    (rate("mcpist_upstream_calls_total", ORIGINS, "upstream", "outcome"),),
)
HEALTH: Final = Panel(
    "Health checks",
    "Answers of /health a second, by status. The operator's alert is three failures in a row.",
    "reqps",
    (rate("health_requests_total", RUN, "source", "status"),),
)
