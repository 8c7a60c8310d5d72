"""One limiter of the target beside its promise: which calls it let pass, which it refused, and how rightly.

What the bundled edge answered is known by its reasons. Of a target's own, a result was let pass and a refusal
for this limit was refused; anything else may have been either, for nobody knows in which order its limiters
stand. A 429 without a reason that we know is this limit's where the target promises no other that could have
said it; otherwise it, too, may have been either.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np

from telemetry.recording.sample import Outcome
from verdicts.measure.calls import edge_refusals, outcomes
from verdicts.measure.limits import bucket, clock, promises, sliding, users, windows
from verdicts.measure.limits.held import Held
from verdicts.measure.limits.promises import Promise
from verdicts.run.reading import Mask, Run

BURST: Final = "burst_exceeded"
ADDRESS: Final = "ip_limit_exceeded"
RATE: Final = "rate_limit_exceeded"
QUOTA: Final = "quota_exceeded"
NO_REASON: Final = "refused"
Status = Literal["pass", "fail", "info", "invalid"]
ANSWERED_ALL_THE_SAME: Final = ("rpc_error", "tool_error")


class Limiter(NamedTuple):
    """The run's calls at one limiter. `reasons` are those of its refusals; `who` numbers each call's user."""

    who: windows.Indices
    reasons: tuple[str, ...]
    let: Mask
    perhaps: Mask
    refused: Mask


def of(run: Run, reason: str, who: windows.Indices) -> Limiter:
    """The limiter that refuses for `reason`."""
    reasons = _reasons(run, reason)
    refused = run.out & outcomes.failed_by(run, reasons)
    if run.manifest.bundled:
        past = edge_refusals.past_the_edge(run) if reason == BURST else edge_refusals.answered(run)
        let = past & ~refused
        return Limiter(who, reasons, let, run.out & (run.samples["status"] == 0), refused)
    told = run.became(Outcome.OK) | outcomes.failed_by(run, ANSWERED_ALL_THE_SAME)
    return Limiter(who, reasons, run.out & told, run.out & ~told & ~refused, refused)


def _reasons(run: Run, reason: str) -> tuple[str, ...]:
    alone = not run.manifest.bundled and promises.wordless(run) == [reason]
    return (reason, NO_REASON) if alone else (reason,)


def judge(run: Run, one: Limiter, promise: Promise) -> Held:
    """All its calls against the promise."""
    if promise.fixed:
        mine = run.out
        _, who = np.unique(one.who[mine], return_inverse=True)
        became = (one.let[mine], one.perhaps[mine], one.refused[mine])
        return clock.judge(run, clock.Calls(windows.spans(run, mine), who, *became), promise)
    held = Held(0, 0)
    find = bucket.judge if promise.window == promises.BUCKET else sliding.judge
    for user in np.unique(one.who[run.out]).tolist():
        mine = one.who == user
        held += find(run, mine & one.let, mine & one.perhaps, mine & one.refused, promise)
    return held


def status(held: Held, wrong: int, *, reached: bool) -> Status:
    """The verdict; `wrong`: what else is. Nothing is passed by a limiter whose limit nobody reached."""
    if wrong or (held.wrong and not held.doubt):
        return "fail"
    return "info" if held.doubt else "pass" if reached else "invalid"


def beside(run: Run, held: Held) -> str:
    """Whose clock it is, what is in doubt, and who is one user, in words; each with a space before it."""
    doubt = f"Not judged: {held.doubt}." if held.doubt else ""
    told = " ".join(filter(None, (held.told, doubt)))
    return f"{f' {told}' if told else ''}{_unnamed(run)}{users.shared(run)}"


def _unnamed(run: Run) -> str:
    """429s that any of several promised limits may have given."""
    count = int((run.out & outcomes.failed_by(run, (NO_REASON,))).sum())
    may = promises.wordless(run)
    if not count or len(may) < 2 or run.manifest.bundled:
        return ""
    return f" {count:,} 429s name no reason: each may be {' or '.join(may)} (say `reason` in `limits`)."


def refusals(run: Run, one: Limiter) -> str:
    """The status and reason of its refusals, in words."""
    status = np.unique(run.samples["status"][one.refused]).tolist() or [429]
    return f"{' or '.join(map(str, status))} {' or '.join(one.reasons)}"


def words(promise: Promise, held: Held) -> str:
    """What was found, in words."""
    if promise.window == promises.SLIDING:
        span = "second" if promise.width == 1 else f"{promise.width:g} s"
        return f"{held.over} calls admitted beyond the limit of any {span}, {held.under} refused below it"
    if promise.window == promises.BUCKET:
        bucket_of = f"a bucket of {promise.size} that gets {promise.limit} in {promise.width:g} s"
        return f"{held.over} calls admitted beyond {bucket_of}, {held.under} refused though it held some"
    return f"{held.over} admitted more, {held.under} less"
