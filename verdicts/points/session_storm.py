"""M1.1 to M1.3: what it costs that sessions live in one instance's memory.

The event is the first fault of the run that was in force: the restart of an origin, or the failure of its
health check. A session is gone where a call is answered 404.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from verdicts.measure.calls import outcomes, recovery, served_again
from verdicts.points.point import AT_500_MAU, BEFORE_1000_MAU, Finding, point
from verdicts.run.reading import Floats, Run

GONE: Final = 404
INITIALIZE: Final = "initialize"
NO_EVENT: Final = "Not observed: nothing happened to an origin in this run, so no session was lost."
NOT_BACK: Final = "not within the run"
NO_CALLS: Final = "No judged user sent a call after it."


@point(
    "M1.1",
    en="How many seconds until every user is served again after a restart?",
    ja="再起動後、全ユーザーへの応答が回復するまで何秒かかるか",
    scenario="session-storm",
    when=AT_500_MAU,
    figures={"seconds": "s", "p50": "s", "hit": ""},
    units={"s until all are served again": "秒(全員への応答が回復するまで)"},
)
def served_again_after(run: Run) -> Finding:
    """From the event until no account that it hit had a failure any more.

    A call that the bundled edge cut off for CPU is none: it tells of this machine, not of the restart.
    """
    event = _event(run)
    if event is None or not served_again.sent_after(run, event).any():
        return Finding.unseen(NO_EVENT if event is None else NO_CALLS)
    failures = outcomes.errors(run) & ~outcomes.cut_for_cpu(run)
    took = served_again.seconds(run, event, failures)
    last = float(took.max(initial=0.0))
    never = int(np.isinf(took).sum())
    evidence = f"{took.size:,} of {len(run.manifest.accounts):,} accounts had a failed call after {event:g} s"
    evidence += f"; {never:,} of them were never served again." if never else "; all were served again."
    middle = float(np.median(took)) if took.size else 0.0
    return Finding(
        NOT_BACK if never else round(last, 3),
        "" if never else "s until all are served again",
        evidence,
        {"seconds": last, "p50": middle, "hit": float(took.size)},
        at_least={"seconds": served_again.at_least(run, event, failures)},
    )


@point(
    "M1.2",
    en="How many sessions are opened a second at the peak?",
    ja="ピーク時に毎秒いくつのセッションが開かれるか",
    scenario="session-storm",
    when=AT_500_MAU,
    figures={"peak": "req/s", "opened": ""},
    units={"initialize/s (peak)": "initialize/秒(最大)"},
)
def initialize_peak(run: Run) -> Finding:
    """The most `initialize` that were sent within any one second after the event."""
    event = _event(run)
    if event is None:
        return Finding.unseen(NO_EVENT)
    if INITIALIZE not in run.manifest.tools:
        none = f"None was sent after {event:g} s: this run opened no sessions."
        return Finding(0, "initialize/s (peak)", none, {"peak": 0.0, "opened": 0.0})
    calls = run.out & run.of_tools({INITIALIZE})
    sent = np.sort(run.samples["sent"][calls & (run.samples["sent"] >= event)].astype(np.float64))
    peak = _most_in_a_second(sent)
    evidence = f"{sent.size:,} were sent after {event:g} s, by {len(run.manifest.accounts):,} accounts."
    return Finding(peak, "initialize/s (peak)", evidence, {"peak": float(peak), "opened": float(sent.size)})


@point(
    "M1.3",
    en="How many calls are lost because the other origin does not know the session?",
    ja="別のoriginがセッションを知らないために失われる呼び出しはいくつか",
    scenario="failover-legacy",
    when=BEFORE_1000_MAU,
    figures={"lost": "", "share": "share"},
    units={"calls lost with their session": "件(セッションと共に失われた呼び出し)"},
)
def calls_lost_with_sessions(run: Run) -> Finding:
    """Scheduled calls that were answered 404."""
    if _event(run) is None:
        return Finding.unseen(NO_EVENT)
    sent = run.sent & run.judged
    lost = int((run.samples["status"][sent] == GONE).sum())
    share = lost / int(sent.sum()) if sent.any() else float("nan")
    evidence = f"{lost:,} of {int(sent.sum()):,} calls were answered {GONE}{_told(run)}."
    return Finding(lost, "calls lost with their session", evidence, {"lost": float(lost), "share": share})


def _event(run: Run) -> float | None:
    found = recovery.faults(run)
    return float(found[0]["at"]) if found else None


def _most_in_a_second(sent: Floats) -> int:
    if not sent.size:
        return 0
    until = np.searchsorted(sent, sent + 1.0, side="left")
    return int((until - np.arange(sent.size)).max())


def _told(run: Run) -> str:
    lost = run.target.sum("mcpist_sessions_total", "origin-", event="lost")
    return "" if np.isnan(lost) else f"; the origins counted {lost:,.0f} sessions that they did not know"
