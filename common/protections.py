"""The protections of the gateway: one table, the presets made of it, and the grammar of `PROTECT=`.

    PROTECT = preset | names            names may be empty: nothing is on
    names   = item ("," item)*
    item    = name | preset | "+" name | "-" name       (a preset only as the first item)

`today,-burst-limit` is today's set without the burst limit; `today,+breaker` (or `today,breaker`)
adds one. Unknown, repeated and absent-but-removed names are refused, in one line.

A request meets the protections in the table's order. What carries one out in the bundled stack is
`fakes/protections/<name>.py`; how to add one is told in docs/adding-a-protection.md.

From `phase1` on the burst limit counts in the isolate's memory: presets carry that as settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

TOO_MANY: Final = -32029  # JSON-RPC codes, of the range that is left to servers
BUSY: Final = -32050
DEADLINE: Final = -32051
CPU: Final = -32053


@dataclass(frozen=True, slots=True)
class Protection:
    """One row.

    `place` is where it stands: a layer of the edge, the edge's token check, the origin's request path, or
    a gate that each tool call passes. It answers with `reason`: HTTP `status`, JSON-RPC `code` and `message`;
    where it `fails` a request, clients count an error, otherwise a refusal. `since` is the first preset
    that has it; without, only `all` does, and "by name" none does. `does` is what it does, for people, by the
    stack's usual settings; `settings` are those it has beside the stack's own, with defaults. `real` parts do
    not have it where that is false.
    """

    name: str
    place: Literal["edge", "token check", "request", "tool call"]
    reason: str = ""  # it refuses nothing
    status: int = 0
    code: int = 0
    message: str = ""
    since: Literal["today", "phase1", "phase2", "by name"] | None = None
    fails: bool = False
    does: str = ""
    settings: Mapping[str, float] = field(default_factory=dict)
    real: bool = True


TABLE: Final = (
    Protection(
        "worker-cpu", "edge", "worker_cpu_exceeded", 503, CPU, "Worker exceeded its CPU time limit (1102)",
        since="today", fails=True, does="cuts off a request that used more CPU than a Worker may (10 ms)",
    ),
    Protection(
        "ip-limit", "edge", "ip_limit_exceeded", 429, TOO_MANY, "Too many requests from this address",
        since="today", does="1,000 requests a minute from one address",
    ),
    Protection(
        "jwks-cache", "token check", since="today",
        does="keeps the issuer's keys, in place of a fetch for each request",
    ),
    Protection(
        "burst-limit", "edge", "burst_exceeded", 429, TOO_MANY, "Too many requests a second", since="today",
        does="5 requests a second of one user",
    ),
    Protection(
        "name-limit", "edge", "name_limit_exceeded", 429, TOO_MANY, "Too many calls of this tool a second",
        since="by name", does="5 calls a second of one user to one tool", settings={"per_s": 5, "compare": 0},
    ),
    Protection(
        "deadline-propagation", "request", "deadline_exceeded", 504, DEADLINE, "The caller waits no longer",
        since="by name", fails=True, does="nothing is begun for a caller who will be gone by then",
        settings={"cost": 0.1, "margin": 0.2},
    ),
    Protection(
        "load-shedding", "request", "load_shed", 503, BUSY, "Overloaded: requests wait too long",
        since="by name", does="turns requests away while those before them wait too long for CPU",
        settings={"target": 0.2, "interval": 0.5, "cost": 0.1},
    ),
    Protection(
        "rate-limit", "request", "rate_limit_exceeded", 429, TOO_MANY, "Rate limit of the plan exceeded",
        since="today", does="requests a minute of one user, by what was paid for (Starter: 60)",
    ),
    Protection(
        "idempotency", "request", since="by name", does="a call that brings a key is carried out once",
        settings={"keep": 600},
    ),
    Protection(
        "user-concurrency", "tool call", "user_concurrency_exceeded", 429, TOO_MANY,
        "Too many calls of this user at once", since="phase1", does="50 calls of one user at once",
    ),
    Protection(
        "global-concurrency", "tool call", "global_concurrency_exceeded", 503, BUSY,
        "Too many calls at once", since="phase2", does="100 calls of all users at once",
    ),
    Protection(
        "fair-queue", "tool call", "fair_share_exceeded", 429, TOO_MANY, "More than your share of the calls",
        since="by name", does="each user has a fair share of the calls at once",
        settings={"limit": 100, "spare": 0.5, "burst": 10},
    ),
    Protection(
        "adaptive-concurrency", "tool call", "adaptive_concurrency_exceeded", 503, BUSY,
        "The service takes no more calls at once", since="by name",
        does="a limit of calls at once to each upstream, which finds its own height",
        settings={"begin": 20, "least": 5, "most": 1000, "slow": 2, "backoff": 0.9},
    ),
    Protection(
        "timeout", "request", "gateway_timeout", 504, DEADLINE, "request_timeout", since="phase1", fails=True,
        does="a request is over after 30 s",
    ),
    Protection(
        "breaker", "tool call", "breaker_open", 503, BUSY, "The tool's service is failing; not called",
        since="phase2", does="an upstream that keeps failing is left alone for a while",
    ),
)  # fmt: skip
NAMES: Final = tuple(row.name for row in TABLE)
PYTHON_ALONE: Final = tuple(row.name for row in TABLE if not row.real)
REFUSALS: Final = tuple(row.reason for row in TABLE if row.reason and not row.fails)
ERRORS: Final = tuple(row.reason for row in TABLE if row.reason and row.fails)


def _since(*presets: str) -> tuple[str, ...]:
    return tuple(row.name for row in TABLE if row.since in presets)


PRESETS: Final[dict[str, tuple[str, ...]]] = {
    "none": (),
    "today": _since("today"),
    "phase1": _since("today", "phase1"),
    "phase2": _since("today", "phase1", "phase2"),
    "all": tuple(row.name for row in TABLE if row.since != "by name"),
}
_MEMORY_CACHE: Final = {"edge": {"burst_strategy": "memory-cache"}}


@dataclass(frozen=True, slots=True)
class Choice:
    """What `PROTECT=` asked for: names in `NAMES` order, and settings that come with them."""

    names: tuple[str, ...]
    preset: str | None = None  # the preset that it is; None where names came to one, or left it
    settings: dict[str, Any] = field(default_factory=dict)  # to be merged over the scenario's


def parse(text: str) -> Choice:
    """Read a `PROTECT=` string. Raises ValueError with one line that names what is allowed."""
    items = [item.strip() for item in text.split(",")] if text.strip() else []
    if not all(items):
        raise ValueError(f"an empty name in {text!r:.40}; allowed: {', '.join((*PRESETS, *NAMES))}")
    preset = items.pop(0) if items and items[0] in PRESETS else None
    names = list(PRESETS[preset]) if preset else []
    for item in items:
        _apply(item, names)
    settings = _MEMORY_CACHE if preset in ("phase1", "phase2", "all") else {}
    return Choice(_ordered(names), None if items else preset, settings)


def check_names(names: Iterable[str]) -> tuple[str, ...]:
    """Protection names, in order, each known and there once. Raises ValueError."""
    checked: list[str] = []
    for name in names:
        _add(name, checked)
    return _ordered(checked)


def _apply(item: str, names: list[str]) -> None:
    if item.startswith("-"):
        _remove(item[1:].strip(), names)
    else:
        _add(item.removeprefix("+").strip(), names)


def _add(name: str, names: list[str]) -> None:
    _known(name)
    if name in names:
        raise ValueError(f"protection {name!r} is named twice; allowed, once each: {', '.join(NAMES)}")
    names.append(name)


def _remove(name: str, names: list[str]) -> None:
    _known(name)
    if name not in names:
        raise ValueError(f"protection {name!r} is not on, so it cannot be removed; on: {', '.join(names)}")
    names.remove(name)


def _known(name: str) -> None:
    if name not in NAMES:
        allowed = f"one preset of {', '.join(PRESETS)}, or names of {', '.join(NAMES)}"
        raise ValueError(f"unknown protection {name!r}; allowed: {allowed}")


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=NAMES.index))
