"""One limiter of the target beside its promise: which calls it let pass, which it refused, and how rightly.

What the bundled stack answered is known by its reasons, and which layers stand before a limit: what they
refused never came to it. Of a target's own, a result was let pass and a refusal for this limit was refused;
anything else may have been either, for nobody knows in which order its limiters stand. A 429 without a reason
that we know is this limit's where the target promises no other that could have said it; otherwise it, too,
may have been either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, NamedTuple

import numpy as np

from telemetry.recording.sample import Outcome
from verdicts.measure.calls import edge_refusals, outcomes
from verdicts.measure.limits import bucket, clock, own_requests, promises, sliding, users, windows
from verdicts.measure.limits.held import Held
from verdicts.measure.limits.promises import Promise
from verdicts.measure.limits.windows import Spans, Window
from verdicts.run.reading import Mask, Run

BURST: Final = "burst_exceeded"
ADDRESS: Final = "ip_limit_exceeded"
RATE: Final = "rate_limit_exceeded"
QUOTA: Final = "quota_exceeded"
NO_REASON: Final = "refused"
_TOKENS: Final = (ADDRESS, "missing_token", "invalid_token")
_EDGE: Final = (*_TOKENS, BURST, "kv_error")
# Bundled limit → what layers before it refuse for. A throw of KV is the burst limit's own.
BEFORE: Final[Mapping[str, tuple[str, ...]]] = {
    ADDRESS: (), BURST: _TOKENS, RATE: _EDGE, QUOTA: (*_EDGE, RATE)
}  # fmt: skip
UNPROVED: Final = (
    "Not proved: calls that may have been at the limit in one window or another, or of which nobody knows "
    "what it made of them, leave open how many it admitted."
)
UNMET: Final = " Nobody met the limit, so nothing is proved of it."
Status = Literal["pass", "fail", "info", "invalid"]
ANSWERED_ALL_THE_SAME: Final = ("rpc_error", "tool_error")


class Limiter(NamedTuple):
    """The run's calls at one limiter. `reasons` are those of its refusals; `who` numbers each call's user.

    `came`: all but those that another refused before it. `ours`: what else it may have counted, of each user;
    `before`: and of the user `first` alone, who asked it before load.
    """

    who: windows.Indices
    reasons: tuple[str, ...]
    came: Mask
    let: Mask
    perhaps: Mask
    refused: Mask
    ours: Spans = windows.NONE
    before: Spans = windows.NONE
    first: int = -1

    def beside(self, user: int) -> Spans:
        """What it may have counted of that user beside the calls."""
        return self.ours.beside(self.before) if user == self.first else self.ours


def of(run: Run, reason: str, who: windows.Indices) -> Limiter:
    """The limiter that refuses for `reason`."""
    reasons = _reasons(run, reason)
    refused = run.out & outcomes.failed_by(run, reasons)
    if run.manifest.bundled:
        came = run.out & ~outcomes.failed_by(run, BEFORE[reason])
        let = came & _passed(run, reason) & ~refused
        failed = outcomes.failed_by(run, ("kv_error",) if reason == BURST else ())
        return Limiter(who, reasons, came, let, came & ~let & ~refused & ~failed, refused)
    told = run.became(Outcome.OK) | outcomes.failed_by(run, ANSWERED_ALL_THE_SAME)
    ours = own_requests.of(run, by_address=reason == ADDRESS)
    first = who[run.samples["account"].whole() == 0]
    return Limiter(
        who, reasons, run.out, run.out & told, run.out & ~told & ~refused, refused, ours,
        own_requests.before(run), int(first[0]) if len(first) else -1,
    )  # fmt: skip


def _passed(run: Run, reason: str) -> Mask:
    """Calls that came past the bundled stack's limit, or were refused by it. One cut off for CPU may have."""
    if reason == BURST:
        return edge_refusals.past_the_edge(run) | outcomes.failed_by(run, ("origin_unavailable",))
    answered = edge_refusals.answered(run)
    if reason == ADDRESS:
        return answered & ~outcomes.cut_for_cpu(run)
    named: Mask = answered & (run.samples["instance"] > 0)
    return named


def _reasons(run: Run, reason: str) -> tuple[str, ...]:
    alone = not run.manifest.bundled and promises.wordless(run) == [reason]
    return (reason, NO_REASON) if alone else (reason,)


def judge(run: Run, one: Limiter, promise: Promise) -> Held:
    """All its calls against the promise."""
    if promise.fixed:
        mine = one.came
        _, who = np.unique(one.who[mine], return_inverse=True)
        became = (one.let[mine], one.perhaps[mine], one.refused[mine], one.ours.beside(one.before))
        return clock.judge(run, clock.Calls(windows.spans(run, mine), who, *became), promise)
    held = Held(0, 0)
    find = bucket.judge if promise.window == promises.BUCKET else sliding.judge
    for user in np.unique(one.who[run.out]).tolist():
        mine = one.who == user
        held += find(run, mine & one.let, mine & one.perhaps, mine & one.refused, promise, one.beside(user))
    return held


def proved(run: Run, one: Limiter, promise: Promise, found: Iterable[Window]) -> bool:
    """The limit was reached where a limiter that is far off would have been found wanting.

    `found` are its windows, of which fixed ones say so.
    """
    if promise.fixed:
        return any(window.known(promise.limit) for window in found)
    known = bucket.known if promise.window == promises.BUCKET else sliding.known
    return any(
        known(run, mine & one.let, mine & one.perhaps, mine & one.refused, promise, one.beside(user))
        for user in np.unique(one.who[run.out]).tolist()
        for mine in (one.who == user,)
    )


def counted(
    run: Run, one: Limiter, promise: Promise, ahead: float, more_than: int = 0
) -> Iterator[tuple[int, list[Window]]]:
    """Each user of whom more calls came, and what windows they were in."""
    for user in np.unique(one.who[one.came]).tolist():
        mine = one.came & (one.who == user)
        if int(mine.sum()) > more_than:
            ours = one.beside(user)
            yield user, list(windows.count(run, mine, one.let, promise.width, ahead, one.perhaps, ours))


def status(held: Held, wrong: int, *, proved: bool) -> Status:
    """The verdict; `wrong`: what else is. Nothing is passed where it is not `proved`."""
    if wrong or (held.wrong and not held.doubt):
        return "fail"
    return "info" if held.doubt else "pass" if proved else "invalid"


def beside(run: Run, held: Held, *, proved: bool = True) -> str:
    """Whose clock it is, what is in doubt, and who is one user, in words; each with a space before it."""
    doubt = f"Not judged: {held.doubt}." if held.doubt else ""
    told = " ".join(filter(None, (held.told, doubt, "" if proved else UNPROVED)))
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
