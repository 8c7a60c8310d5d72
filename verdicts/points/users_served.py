"""Service: were the users served? Every run answers it.

Of the judged groups' scheduled calls, the share that succeeded. Refusals that the scenario is about
(`expects`; a target's own words for them stand in its `limits`) do not count against it; any other 4xx, a
5xx, a timeout, a reset, a JSON-RPC error, a tool error or a valid user's 401 does. Where nothing succeeded at
all the answer is no, whatever was expected. Calls that ended with the run are left out, and so are those of
users who leave whatever they get; what an agent gave up, for want of an answer within its patience, counts
against it. Forged tokens are left out, too: they are `forged-tokens`' own. A tool that asked its user first
counts by what became of the answer, where one was given.
"""

from __future__ import annotations

from telemetry.recording.sample import Outcome
from verdicts.measure.calls import outcomes
from verdicts.measure.intents import asked
from verdicts.measure.limits import forged_tokens
from verdicts.points.point import Finding, Status, Value, point
from verdicts.run.reading import Mask, Run


@point(
    "service",
    en="Were the users served?",
    ja="ユーザーは正常に処理されたか",
    figures={"success": "share"},
    units={"% of the judged users' calls succeeded": "%(評価対象ユーザーの成功した呼び出し)"},
)
def served(run: Run) -> Finding:
    """The share of calls that succeeded, and what became of the rest."""
    left = outcomes.given_up(run)
    calls = run.sent & run.judged & ~forged_tokens.bad(run) & (left | ~run.became(Outcome.ABORTED))
    expected = calls & outcomes.failed_by(run, tuple(run.scenario.get("expects", ())))
    due, answered = calls & ~expected, asked.served(run)
    ok = int((calls & (run.ok | answered)).sum())
    if not calls.any():
        return Finding(None, "", "No call of a judged user was ended.", {"success": float("nan")})
    share = ok / int(due.sum()) if due.any() else 0.0
    status: Status | None = "fail" if not ok else None  # nothing served is never a pass
    return Finding(
        round(share * 100, 3),
        "% of the judged users' calls succeeded",
        _evidence(ok, int(due.sum()), int(expected.sum()), int((due & left).sum())),
        {"success": share},
        status=status,
        rows=tuple(_rows(run, due, expected, answered)),
    )


def _evidence(ok: int, due: int, expected: int, left: int) -> str:
    gone = f"; {left:,} were given up for want of an answer" if left else ""
    beside = f"; {expected:,} more were refused as the scenario expects" if expected else ""
    return f"{ok:,} of {due:,} calls{gone}{beside}."


def _rows(run: Run, due: Mask, expected: Mask, answered: Mask) -> list[dict[str, Value]]:
    table = (
        ("error", due & outcomes.errors(run) & ~answered),
        ("refusal", due & outcomes.refused(run)),
        ("expected", expected),
    )
    total = max(int((due | expected).sum()), 1)
    return [
        {"kind": kind, "reason": reason, "calls": count, "% of calls": round(count / total * 100, 4)}
        for kind, mask in table
        for reason, count in run.reasons(mask).items()
    ]
