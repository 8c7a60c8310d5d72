"""P0.1: how many slow calls can run at once and what sets it; and how many did, by three witnesses.

The limit is the least of what the protections that are on allow and what the nano's memory holds (`fixed`: of
those that do not depend on how many users there are): by the model (`goroutines.holds`), or by the line
through a real nano's own memory (`memory_real.holds`); without either nothing is known to set one.

The three witnesses do not know of each other. The origin counts tool calls that its protections let through
(or requests, where a target tells no more); the upstream counts what it is asked; callers' samples bound
both.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from telemetry.probing.target_log import parse_labels
from verdicts.measure.calls import concurrency, outcomes, percentiles
from verdicts.measure.calls.concurrency import Bounds
from verdicts.measure.target import goroutines, origins
from verdicts.measure.target.cpu import since_start
from verdicts.points import memory_real
from verdicts.points.point import AT_100_MAU, Finding, Value, point
from verdicts.run import real_parts
from verdicts.run.reading import Run

TOOL_CALLS = "mcpist_tool_calls_peak"
UPSTREAM = "mcpist_upstream_in_flight_peak"
AT_ONCE = "at once (peak)"
MEMORY_ALERT = 200e6  # bytes: the operator's


@point(
    "P0.1",
    en="How many slow calls can run at once, and what sets the limit?",
    ja="遅いツール呼び出しは同時にいくつまで実行できるか、その上限は何で決まるか",
    scenario="slow-api",
    when=AT_100_MAU,
    part="origin",
    figures={
        **dict.fromkeys(
            ("limit", "fixed", "room", "users", "in_flight", "upstream", "callers", "per_user"), ""
        ),
        "refused_p50": "s",
    },
    units={
        "at once at most (set by {})": "件(同時実行の上限、{}で決まる)",
        "at once (peak)": "件同時(最大)",
        "at once by one user (peak)": "件同時(1ユーザーの最大)",
        "refused": "件拒否",
        "ms to be refused (p50)": "ms(拒否までのp50)",
    },
)
def slow_calls(run: Run) -> Iterator[Finding]:
    """The limit; peaks in flight by three witnesses, the most of one user, how the rest was refused."""
    yield _limit(run)
    yield _origin(run)
    yield _upstream(run)
    yield _callers(run)
    yield _per_user(run)
    yield _refused(run)


def _limit(run: Run) -> Finding:
    """The first limit that calls in flight would meet; `room` is what stays under the memory alert."""
    if not run.manifest.bundled:
        return Finding.unseen("Not observed: a target does not tell what limits it.", "limit")
    users, real = _users(run), real_parts.is_real(run)
    held, room = _holds(run), _holds(run, MEMORY_ALERT)
    if held is None or room is None:
        return Finding.unseen("Not observed: too few calls for a sure line through memory.", "limit")
    on, settings = run.manifest.protections, run.manifest.settings("origin")
    known = {"nano memory": held}
    own = run.manifest.settings("protections")
    if "global-concurrency" in on:
        known["global-concurrency"] = settings.get("global_concurrency", 100)
    if "fair-queue" in on:
        known["fair-queue"] = int(own.get("fair-queue", {}).get("limit", 100))
    if "adaptive-concurrency" in on:  # by upstream
        most = int(own.get("adaptive-concurrency", {}).get("most", 1000))
        known["adaptive-concurrency"] = most * _upstreams(run)
    fixed = min(known.values())
    if "user-concurrency" in on:
        known["user-concurrency"] = settings.get("user_concurrency", 50) * users
    name = min(known, key=lambda one: known[one])
    return Finding(
        int(known[name]),
        f"at once at most (set by {name})",
        f"{'; '.join(f'{one} {value:,}' for one, value in known.items())}: the least is the limit. "
        f"{room:,} calls stay under the memory alert of {MEMORY_ALERT / 1e6:g} MB, {room // users:,} a user "
        f"for {users:,} users.",
        {"limit": float(known[name]), "fixed": float(fixed), "room": float(room), "users": float(users)},
        "limit",
        "modelled" if name == "nano memory" and not real else "measured",
    )


def _holds(run: Run, memory: float | None = None) -> int | None:
    return (memory_real.holds if real_parts.is_real(run) else goroutines.holds)(run, memory)


def _upstreams(run: Run) -> int:
    """How many upstreams slow calls go to."""
    names = {run.manifest.tools[code].partition(".")[0] for code in concurrency.slow_tools(run)}
    return max(len(names), 1)


def _users(run: Run) -> int:
    """How many accounts call slow tools; all where none is known to."""
    return len(concurrency.by_account(run, concurrency.slow(run))) or max(len(run.manifest.accounts), 1)


def _origin(run: Run) -> Finding:
    by_origin = {one: _highest(run, one, TOOL_CALLS) for one in origins.sources(run)}
    known = {one: peak for one, peak in by_origin.items() if not np.isnan(peak)}
    if known:
        each = ", ".join(f"{one} {value:,.0f}" for one, value in known.items())
        what = f"Tool calls past the protections, by each origin's own high-water mark: {each}."
        return Finding(int(max(known.values())), AT_ONCE, what, {"in_flight": max(known.values())})
    peak, how = origins.in_flight_peak(run)
    if np.isnan(peak):
        return Finding.unseen(f"{origins.UNSEEN} (mcpist_in_flight).")
    return Finding(
        int(peak), AT_ONCE, f"Requests of every kind at {origins.named(run)}: {how}.", {"in_flight": peak}
    )


def _highest(run: Run, source: str, name: str, **labels: str) -> float:
    values = since_start(*run.target.series(source, name, **labels))[1]
    return float(values.max()) if values.size else float("nan")


def _upstream(run: Run) -> Finding:
    scrapes = run.target.sources.get("upstream")
    names = [
        parse_labels(key)["upstream"]
        for key in (scrapes.values if scrapes else ())
        if key.startswith(UPSTREAM + "{")
    ]
    if not names:
        return Finding.unseen("Not observed: the upstream shows no metrics.", "upstream")
    peaks = {name: _highest(run, "upstream", UPSTREAM, upstream=name) for name in names}
    top = max(peaks, key=lambda name: peaks[name])
    return Finding(
        int(peaks[top]),
        AT_ONCE,
        f"The upstream's own counter, {top} the highest; it knows nothing of the origin's.",
        {"upstream": peaks[top]},
        "upstream",
        rows=tuple({"upstream": name, "most at once": int(peak)} for name, peak in peaks.items()),
    )


def _callers(run: Run) -> Finding:
    codes = concurrency.slow_tools(run)
    if not codes:
        return Finding.unseen("No tool that was called takes a second or more.", "callers")
    found = concurrency.bounds(run, concurrency.slow(run))
    tools = ", ".join(run.manifest.tools[code] for code in codes)
    return Finding(
        str(found) if found.least != found.most else found.most,
        AT_ONCE,
        f"Calls of slow tools ({tools}) that were not refused, from the callers' own times: "
        f"at least {found.least:,}, at most {found.most:,}.",
        {"callers": found.most},
        "callers",
        at_least={"callers": found.least},
    )


def _per_user(run: Run) -> Finding:
    found = concurrency.by_account(run, concurrency.slow(run))
    if not found:
        return Finding.unseen("No tool that was called takes a second or more.", "per-user")
    account, most = max(found.items(), key=lambda one: (one[1].most, one[1].least))
    return Finding(
        str(most) if most.least != most.most else most.most,
        "at once by one user (peak)",
        f"The highest of {len(found):,} users, {run.manifest.accounts[account].id}, had {most} slow "
        f"calls at once; the median user had {_median(found)}.",
        {"per_user": most.most},
        "per-user",
        at_least={"per_user": max(one.least for one in found.values())},
    )


def _median(found: dict[int, Bounds]) -> Bounds:
    return sorted(found.values(), key=lambda one: (one.most, one.least))[len(found) // 2]


def _refused(run: Run) -> Finding:
    refused = outcomes.refused(run)
    if not refused.any():
        return Finding("none", "refused", "No call was refused.", part="refused")
    seconds = percentiles.of(percentiles.service(run, refused))
    scheduled = refused & run.sent
    first = float(run.samples["planned"][refused].min())
    return Finding(
        percentiles.milliseconds(seconds.p50),
        "ms to be refused (p50)",
        f"{seconds.count:,} refused ({scheduled.sum():,} of {run.sent.sum():,} scheduled), p95 "
        f"{percentiles.milliseconds(seconds.p95)} ms; the first was planned at {first:.2f} s.",
        {"refused_p50": seconds.p50},
        "refused",
        rows=tuple(_reasons(run)),
    )


def _reasons(run: Run) -> Iterator[dict[str, Value]]:
    for reason, count in run.reasons(outcomes.refused(run)).items():
        mine = outcomes.failed_by(run, (reason,))
        took = percentiles.of(percentiles.service(run, mine))
        yield {
            "reason": reason,
            "calls": count,
            "p50 ms": percentiles.milliseconds(took.p50),
            "p95 ms": percentiles.milliseconds(took.p95),
            "first planned at s": round(float(run.samples["planned"][mine].min()), 2),
        }
