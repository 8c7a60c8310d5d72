"""Every setting of the bundled stack, with the real gateway's values as defaults.

Seconds, bytes and requests throughout. SettingsModel: an unknown key is refused. Scenarios carry a part
of this tree under `stack:`; the supervisor hands each process the whole of it.

`StackSettings.scaled(f)` lets time run f times as fast without more load: a run of a minute becomes one
of 60/f seconds that sees as many windows, checks and expiries, at the same requests per second.
    divided by f   windows, intervals and expiries (SPANS), and the counts that a window allows (COUNTS,
                   tiers), so that every limit keeps its rate: 60 a minute are 10 in 10 s at f = 6
    as they are    what is a second itself (the burst limit, KV's writes to one key), and what belongs to
                   a single call: latencies, deadlines, CPU, pool waits
Counts are rounded and at least 1. Headers stay in real seconds: `Reset` and `Retry-After` name the
scaled window's end.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter, not_
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from common.addresses.dsn import host_of
from common.protections import TABLE
from common.secrets.secret import Secret

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


def _dsn(dsn: Secret) -> Secret:
    if not dsn.hidden:
        host_of(dsn.reveal())
    return dsn


Dsn = Annotated[Secret, AfterValidator(_dsn)]


class SettingsModel(BaseModel):
    """Base of all settings: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EdgeSettings(SettingsModel):
    """The Worker: isolates, room, limits, key-set cache, CPU budget."""

    isolates: Count = 1
    calls_at_once: Annotated[int, Field(ge=0)] = 0  # that a real edge needs files for; 0: as one process has
    ip_per_min: Count = 1000
    ip_window: Positive = 60.0
    ip_on_failure: Literal["throw", "fail-open", "fail-closed"] = "fail-open"
    burst_per_s: Count = 5
    burst_window: Positive = 1.0
    burst_strategy: Literal["kv-every-request", "memory-cache", "check-burst", "sliding"] = "kv-every-request"
    burst_on_failure: Literal["throw", "fail-open", "fail-closed"] = "throw"
    burst_ttl: Positive = 60.0  # the `expirationTtl` of check-burst's writes; KV takes none below 60
    burst_write_wait: NotNegative = 0.0  # seconds that check-burst awaits a write: an assumption
    forward_timeout: Positive = 30.0
    cpu_budget: Positive = 0.010
    jwks_mode: Literal["cached", "refetch-unknown", "cool-down", "none", "per-request"] = "cached"
    jwks_ttl: Positive = 300.0
    jwks_cool_down: Positive = 30.0
    jwks_coalesce: bool = True
    token_cache: bool = True
    count_eras: bool = False  # bytes and CPU of requests by era of MCP; the CPU where `worker-cpu` is on
    client_address: Literal["header", "peer"] = "header"  # CF-Connecting-IP, or whom the connection is from
    name_routes: dict[str, Literal["origin-a", "origin-b"]] = {}  # by `Mcp-Name`, as the header has it


class KvSettings(SettingsModel):
    """The KV namespace: its plan's quotas and its consistency."""

    plan: Literal["ideal", "free", "paid"] = "ideal"
    writes_per_day: Count = 1000
    reads_per_day: Count = 100_000
    writes_per_key_per_s: Positive = 1.0
    consistency: NotNegative = 0.0  # seconds until another place sees a write, up to 60
    api: Literal["binding", "rest"] = "binding"


class BalancerSettings(SettingsModel):
    """Health checks and how long the balancer's states last."""

    check_interval: Positive = 30.0
    check_timeout: Positive = 5.0
    failures_to_down: Count = 3
    successes_to_up: Count = 2
    failing_over: NotNegative = 0.0  # how long failing-over lasts before split
    recovering: NotNegative = 0.0  # how long recovering lasts before primary
    retry_other: bool = False  # retry a call on the other origin when the first resets


class NanoSettings(SettingsModel):
    """The model of a nano instance. The defaults are the plan's figures, or assumptions and named so.

    `measured_on`: the machine that base, goroutines, bytes, CPU a request and restart were measured on.
    """

    memory_limit: Count = 256 * 1024 * 1024
    memory_base: Count = 40 * 1024 * 1024
    goroutines_base: Count = 20
    goroutines_per_call: Count = 2
    stack_bytes: Count = 8 * 1024
    buffer_bytes: Count = 10 * 1024
    cpu_share: Positive = 0.1
    cpu_burst: NotNegative = 0.1  # CPU seconds that the bucket holds
    cpu_per_request: NotNegative = 0.0001  # CPU seconds
    cpu_enforced: bool = True
    restart: Positive = 10.0
    measured_on: str = Field(default="", exclude_if=not_)


class NamedTool(SettingsModel):
    """A tool of a module, offered under a name of its own; its arguments are the module tool's params."""

    module: str
    tool: str
    requires: tuple[str, ...] = ()  # client capabilities: without one, −32021 (modern era)
    headers: dict[str, str] = {}  # parameter → `x-mcp-header`: sent as `Mcp-Param-…` too (modern era)
    asks: str = ""  # a question to the user before it answers: `resultType: input_required` (modern era)


class McpSettings(SettingsModel):
    """The MCP server: sessions of the legacy era, hints of the modern one, streams of both."""

    sessions: Literal["off", "memory", "shared"] = "off"  # needed by each legacy call, unless off
    compare_headers: bool = True  # −32020 where the modern headers are not what the body says
    origins: tuple[str, ...] = ("localhost", "127.0.0.1", "::1")  # hosts that an `Origin` may name
    sse: Share = 0.0  # of the answers, where the client accepts an event stream
    progress: Positive = 1.0  # seconds between progress notifications, where they are asked for
    keep_alive: Positive = 15.0  # seconds between the comment lines of a standing stream
    ttl: NotNegative = 60.0  # how long a list may be cached
    tools: dict[str, NamedTool] = {}  # beside the meta tools


class OriginSettings(SettingsModel):
    """The gateway itself: rate limit, timeout, concurrency, breaker."""

    rate_window: Positive = 60.0
    rate_sync: Positive = 600.0
    tiers: dict[str, int] = {"free": 30, "starter": 60, "pro": 120, "unlimited": -1}
    timeout: Positive = 30.0
    user_concurrency: Count = 50
    user_limiter: Literal["mended", "as-written"] = "mended"  # as-written: the plan's own code
    global_concurrency: Count = 100
    breaker_failures: Count = 5
    breaker_window: Positive = 10.0
    breaker_open: Positive = 5.0
    breaker_probes: Count = 1
    breaker_slow: Positive = 15.0  # a caller who leaves after this long of waiting: the upstream's failure
    health_db_timeout: Positive = 3.0
    usage_flush: Positive = 0.2  # how long usage rows are gathered before they are written


class DatabaseSettings(SettingsModel):
    """Postgres, how the gateway reaches it, and what an account starts with."""

    dsn: Dsn | None = None  # a Postgres of the user's; None: an embedded one
    max_connections: Count = 60  # the server's own setting: 3 of them are reserved for superusers
    mode: Literal["pool", "none", "pooler"] = "pool"
    pool_size: Count = 15
    pool_open: Count = 15  # connections opened at the start, at most pool_size; the rest when needed
    acquire_timeout: Positive | None = 5.0  # None: a call waits for a connection without end
    lock_timeout: Positive | None = None  # a statement that waits longer for a row's lock ends; pool and none
    pooler_size: Count = 15  # PgBouncer's connections to the server
    pooler_clients: Count = 200  # and the clients that it lets in
    synchronous_commit: bool = False
    credits: int = 1_000_000
    quota: int = 1_000_000

    @property
    def pooler(self) -> tuple[int, int] | None:
        """What its PgBouncer is started with; None: there is none."""
        return (self.pooler_size, self.pooler_clients) if self.mode == "pooler" else None


class Latency(SettingsModel):
    """How long a tool of an upstream takes, seconds: normal(mean, sigma) cut to [low, high]."""

    mean: NotNegative
    sigma: NotNegative = 0.0
    low: NotNegative = 0.0
    high: Positive = 120.0
    error_share: Share = 0.0
    body_bytes: Count = 200


def _upstreams() -> dict[str, dict[str, Latency]]:
    return {
        "fast": {"echo": Latency(mean=0.02)},
        "notion": {
            "get_page": Latency(mean=2.5, sigma=0.2, low=2.0, high=3.0),
            "search": Latency(mean=3.0, sigma=0.02, low=2.9, high=3.1),
        },
        "jira": {
            "get_issue": Latency(mean=2.0, sigma=0.2, low=1.5, high=2.5),
            "search_issues": Latency(mean=2.8, sigma=0.1, low=2.5, high=3.0),
        },
    }


class PartsSettings(SettingsModel):
    """Which parts are real (`common.stack_parts`), and what holds a real nano.

    A cgroup of ours, nothing, or a container of its own that others start (`fakes.stack.outsiders`).
    """

    edge: Literal["fakes", "real"] = "fakes"
    origin: Literal["fakes", "real"] = "fakes"
    nano: Literal["cgroup", "unlimited", "container"] = "cgroup"


BUGS: Final = ("cache-without-user", "late-answer", "shared-buffer", "table-by-id")
"""The seeded bugs that give a caller another's answer, `fakes/bugs/`."""
LEAKS: Final = ("leak-connection", "leak-goroutine", "leak-memory", "leak-session")
"""Those that do not give something back."""


def _bug_shares(given: dict[str, float]) -> dict[str, float]:
    if unknown := [name for name in given if name not in (*BUGS, *LEAKS)]:
        raise ValueError(f"unknown {unknown[0]!r}, allowed: {', '.join((*BUGS, *LEAKS))}")
    if sum(given.values()) > 1:
        raise ValueError(f"{sum(given.values()):g} in all, allowed: shares of 1 together at most")
    return given


def _own_settings(given: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Protections' own settings over the defaults of their rows; an unknown one is refused."""
    own = {row.name: dict(row.settings) for row in TABLE if row.settings}
    for name, values in given.items():
        if unknown := [key for key in values if key not in own.get(name, ())] or [name] * (name not in own):
            allowed = ", ".join(f"{one}.{key}" for one, keys in own.items() for key in keys) or "nothing"
            raise ValueError(f"{name}: unknown {unknown[0]!r}; allowed: {allowed}")
        own[name] |= values
    return own


class StackSettings(SettingsModel):
    """The whole stack."""

    parts: PartsSettings = PartsSettings()
    edge: EdgeSettings = EdgeSettings()
    kv: KvSettings = KvSettings()
    balancer: BalancerSettings = BalancerSettings()
    nano: NanoSettings = NanoSettings()
    origin: OriginSettings = OriginSettings()
    mcp: McpSettings = McpSettings()
    database: DatabaseSettings = DatabaseSettings()
    upstreams: dict[str, dict[str, Latency]] = Field(default_factory=_upstreams)
    protections: Annotated[
        dict[str, dict[str, float]], AfterValidator(_own_settings), Field(validate_default=True)
    ] = {}  # those that a protection's row declares
    bugs: Annotated[dict[str, Share], AfterValidator(_bug_shares)] = {}  # share of calls it may strike
    ports: dict[str, int] = {}  # process name → fixed port; otherwise any free one
    seed: int = 1

    @model_validator(mode="after")
    def _known_to_real_parts(self) -> Self:
        """Raises ValueError for what no real part can do: it would silently not happen."""
        if self.parts.origin == "real" and self.bugs:
            raise ValueError("bugs: allowed with the origin in Python alone")
        if self.parts.edge == "real" and self.edge.count_eras:
            raise ValueError("edge: count_eras is allowed with the edge in Python alone")
        return self

    def scaled(self, factor: float) -> StackSettings:
        """These settings with time running `factor` times as fast; see the module for what that means."""
        if factor == 1:
            return self
        tree = self.model_dump()
        for room, names in SPANS.items():
            tree[room] |= {name: tree[room][name] / factor for name in names}
        for room, names in COUNTS.items():
            tree[room] |= {name: scaled_count(tree[room][name], factor) for name in names}
        tiers = tree["origin"]["tiers"]
        tree["origin"]["tiers"] = {tier: scaled_count(limit, factor) for tier, limit in tiers.items()}
        return StackSettings.model_validate(tree)

    def fixed_change(self, other: StackSettings) -> str | None:
        """The first setting that is another one there and that only a new start changes, None if none is."""
        found = next((path for path in FIXED if attrgetter(path)(self) != attrgetter(path)(other)), None)
        return "database.mode" if found is None and self.database.pooler != other.database.pooler else found

    def left_over(self, had: Mapping[str, Any]) -> str | None:
        """The first entry of a stack's plain settings that stays in force when these are merged into them."""
        return _unnamed({name: value for name, value in had.items() if name not in FIXED}, self.model_dump())

    def changeable(self) -> dict[str, Any]:
        """These settings as JSON has them, without FIXED."""
        tree = self.model_dump(mode="json")
        for path in FIXED:
            room, _, name = path.rpartition(".")
            del (tree[room] if room else tree)[name]
        return tree


def _unnamed(had: Mapping[str, Any], named: Mapping[str, Any]) -> str | None:
    for key, value in had.items():
        if key not in named:
            return key
        below = named[key]
        if isinstance(value, Mapping) and isinstance(below, Mapping) and (found := _unnamed(value, below)):
            return f"{key}.{found}"
    return None


# What only a new start can change: who listens where, and the database server's own settings.
FIXED: Final = ("ports", "parts", "database.dsn", "database.max_connections")
SPANS: Final[dict[str, tuple[str, ...]]] = {
    "edge": ("ip_window", "jwks_ttl", "jwks_cool_down"),
    "kv": ("consistency",),
    "balancer": ("check_interval", "check_timeout", "failing_over", "recovering"),
    "nano": ("restart",),
    "origin": ("rate_window", "rate_sync", "breaker_window", "breaker_open", "health_db_timeout"),
}
COUNTS: Final[dict[str, tuple[str, ...]]] = {
    "edge": ("ip_per_min",),
    "kv": ("writes_per_day", "reads_per_day"),
}


def scaled_count(count: int, factor: float) -> int:
    """What a window of 1/`factor` the length allows, at least 1; no limit (−1) stays none."""
    return count if count < 0 else max(1, round(count / factor))
