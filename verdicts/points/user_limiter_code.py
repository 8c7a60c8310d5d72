"""C1: the limit of a user's calls in flight, as its code stands: does it hold, and does it give back?

A call without an answer is one that had none when the run ended, or that the gateway's or our own deadline
ended. What the limiter keeps of users who have gone is told by the origins; its size by a benchmark of the
origin in Go (`go test -bench UserKept`), where a channel of 50 places and its entry of the map take `BYTES`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from telemetry.recording.sample import Outcome
from verdicts.measure.calls import concurrency, outcomes
from verdicts.measure.limits import limiter
from verdicts.measure.target import origins
from verdicts.points.point import BEFORE_MVP, Finding, point
from verdicts.run.reading import Run

PEAK: Final = "mcpist_user_calls_peak"
KEPT: Final = "mcpist_user_limiters"
BLOCKED: Final = "mcpist_user_releases_blocked"
BYTES: Final = 286
PLANNED: Final = 50  # calls a user, by the plan
REFUSED: Final = "user_concurrency_exceeded"
SILENT: Final = ("gateway_timeout", "timeout", "reset")


@point(
    "C1",
    en="Does the plan's limit of a user's calls hold under attack, as its code stands?",
    ja="計画にあるユーザー別同時実行制限のコードは、そのままで攻撃に耐えるか",
    scenario="user-limiter",
    when=BEFORE_MVP,
    part="origin",
    figures={
        "most": "",
        "over": "",
        "limit": "",
        "unanswered": "",
        "blocked": "",
        "kept": "",
        "kept_bytes": "bytes",
    },
    units={
        "at once of one user, {} allowed": "件同時(1ユーザー、上限{})",
        "calls without an answer": "件(応答なし)",
        "calls that are over and block for ever": "件(処理が終わったまま永久に待機)",
        "users kept of whom none has a call": "人分(呼び出しがないのに残る)",
    },
)
def user_limiter(run: Run) -> Iterator[Finding]:
    """The most of one user; calls that got no answer; what blocks and what is kept at the end."""
    yield _most(run)
    yield _unanswered(run)
    yield _blocked(run)
    yield _kept(run)


def _most(run: Run) -> Finding:
    if not run.manifest.bundled:
        return Finding.unseen("Not observed: a target does not tell its limit of a user's calls.")
    limit = int(run.manifest.settings("origin").get("user_concurrency", 50))
    told, where = origins.peak(run, PEAK), "the origin's own count"
    most = told
    seen = concurrency.by_account(run, concurrency.slow(run)).values()
    least = float(max((one.least for one in seen), default=0))
    if np.isnan(told) or least > told:  # what no limiter counts is at once all the same
        told, where = least, "the callers' samples, at least"
        most = float(max((one.most for one in seen), default=0))
    met = most >= limit or outcomes.failed_by(run, (REFUSED,)).any()
    return Finding(
        int(told),
        f"at once of one user, {limit} allowed",
        f"By {where}."
        + (not met) * limiter.UNMET
        + (told > limit) * " A refused call's deferred Release gives away a place that another call holds."
        + (limit < PLANNED)
        * f" The limit is {limit} here: 5 calls a second of 3 s never meet the plan's "
        f"{PLANNED}, but calls that take over 10 s do.",
        {"most": most, "limit": float(limit), "over": max(0.0, most - limit) if met else float("nan")},
        at_least={"most": told, "over": max(0.0, told - limit)},
    )


def _unanswered(run: Run) -> Finding:
    silent = run.out & (outcomes.failed_by(run, SILENT) | run.became(Outcome.ABORTED))
    count, users = int(silent.sum()), len(np.unique(run.samples["account"][silent]))
    return Finding(
        count,
        "calls without an answer",
        f"Of {users:,} users: ended by a deadline, or open when the run ended."
        + (count > 0) * " A Release too many waits, and its caller's answer with it.",
        {"unanswered": float(count)},
        "unanswered",
    )


def _blocked(run: Run) -> Finding:
    count = origins.last(run, BLOCKED)
    if np.isnan(count):
        return Finding.unseen(f"{origins.UNSEEN} ({BLOCKED}).", "blocked")
    return Finding(
        int(count),
        "calls that are over and block for ever",
        "At the last scrape."
        + (count > 0) * " Each keeps its goroutine until that user calls again, who then holds no place.",
        {"blocked": count},
        "blocked",
    )


def _kept(run: Run) -> Finding:
    count, running = origins.last(run, KEPT), origins.last(run, "mcpist_tool_calls")
    if np.isnan(count) or np.isnan(running):
        return Finding.unseen(f"{origins.UNSEEN} ({KEPT}).", "kept")
    idle = max(0.0, count - running)
    return Finding(
        int(idle),
        "users kept of whom none has a call",
        f"{count:,.0f} kept at the last scrape, with {running:,.0f} calls in flight. {BYTES} bytes each "
        f"(measured in Go) are {idle * BYTES / 1000:,.1f} KB.",
        {"kept": idle, "kept_bytes": idle * BYTES},
        "kept",
    )
