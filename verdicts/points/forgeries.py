"""Forged tokens: what became of each kind, from the calls themselves, in every run that sends some.

Sent, refused (401, 403 or a protection's no), accepted, 5xx, reset, and anything else. An accepted forgery is
a failure, whatever the result says that it was given; so is one that made the gateway fall over. Where more
than `MOST_UNKNOWN` of them had no answer, or one that neither refuses nor serves (a redirect, a JSON-RPC
error under HTTP 200), nobody knows whether they were refused. A sound signature under an unknown key id is
no forgery where one secret signs (HS256) or good tokens name no key, and another issuer's name is none where
they name no issuer: nothing is promised there, and accepting it is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from telemetry.recording.sample import Outcome
from verdicts.measure.calls import outcomes
from verdicts.measure.limits import forged_tokens
from verdicts.points.point import Finding, Status, Value, point
from verdicts.run.reading import Mask, Run

DENIED = (401, 403)
BROKEN_OFF: Final = ("reset", "connect")
TOOLS_OWN: Final = ("tool_error", "upstream_error")  # failures that only a tool which was called has
RESULTS: Final = ("wrong_answer", "foreign_answer", "input_required")  # a result, if not the one expected
MOST_UNKNOWN: Final = 0.001  # share: what a valid run may lose


@point(
    "forged-tokens",
    en="Is every forged token refused?",
    ja="偽造トークンはすべて拒否されるか",
    figures={"accepted": "", "broken": ""},
    units={"forged tokens accepted": "件の偽造トークンを受理"},
)
def forgeries(run: Run) -> Finding:
    """How many forgeries were accepted; by kind what became of them."""
    rows = tuple(_row(run, kind) for kind in forged_tokens.kinds(run))
    if not any(row["sent"] for row in rows):
        return Finding.unseen("No forged token was sent.")
    forged = [row for row in rows if row["forgery"] == "yes"]
    accepted, broken = _sum(forged, "accepted"), _sum(forged, "5xx") + _sum(forged, "reset")
    silent, unclear = int(_silent(run).sum()), sum(int(_unclear(run, kind).sum()) for kind in _forged(run))
    unknown = silent + unclear > MOST_UNKNOWN * int(forged_tokens.bad(run).sum())
    status: Status = "fail" if accepted or broken else "invalid" if unknown else "pass"
    return Finding(
        accepted,
        "forged tokens accepted",
        " ".join(_told(forged, accepted, broken, silent, unclear, run)),
        {"accepted": accepted, "broken": broken},
        status=status,
        rows=rows,
    )


def _row(run: Run, kind: forged_tokens.TokenKind) -> dict[str, Value]:
    calls, status = kind.calls, run.samples["status"]
    denied = calls & _denied(run)
    fell = calls & (status >= 500)
    reset = calls & outcomes.failed_by(run, BROKEN_OFF)
    accepted = calls & _passed(run)
    rest = calls & ~(denied | fell | reset | accepted)
    return {
        "token": kind.name.replace("-", " "),
        "forgery": "yes" if forged_tokens.is_forgery(run, kind.name) else "no",
        "sent": int(calls.sum()),
        "refused": int(denied.sum()),
        "accepted": int(accepted.sum()),
        "5xx": int(fell.sum()),
        "reset": int(reset.sum()),
        "else": int(rest.sum()),
    }


def _denied(run: Run) -> Mask:
    status = run.samples["status"]
    told: Mask = (np.isin(status, DENIED) | outcomes.refused(run)) & (status < 500)
    return run.became(Outcome.FAILED) & told


def _passed(run: Run) -> Mask:
    """The token was believed: the call got a result, or failed as only a tool does."""
    result: Mask = outcomes.failed_by(run, RESULTS) & (run.samples["status"] < 300)
    return run.ok | outcomes.failed_by(run, TOOLS_OWN) | result


def _forged(run: Run) -> Iterator[forged_tokens.TokenKind]:
    return (kind for kind in forged_tokens.kinds(run) if forged_tokens.is_forgery(run, kind.name))


def _sum(rows: list[dict[str, Value]], key: str) -> int:
    return sum(int(row[key] or 0) for row in rows)


def _silent(run: Run) -> Mask:
    """Bad tokens' calls that had no answer, and were not ended by us."""
    ended = run.became(Outcome.ABORTED) | outcomes.failed_by(run, BROKEN_OFF)
    mask: Mask = forged_tokens.bad(run) & (run.samples["status"] == 0) & ~ended
    return mask


def _unclear(run: Run, kind: forged_tokens.TokenKind) -> Mask:
    """Its calls whose answer neither refuses nor serves; a 4xx of any kind does refuse."""
    status = run.samples["status"]
    answered: Mask = kind.calls & run.became(Outcome.FAILED) & (status > 0) & (status < 400)
    return answered & ~_denied(run) & ~_passed(run) & ~outcomes.failed_by(run, BROKEN_OFF)


def _told(
    forged: list[dict[str, Value]], accepted: int, broken: int, silent: int, unclear: int, run: Run
) -> Iterator[str]:
    sent = _sum(forged, "sent")
    yield f"{_sum(forged, 'refused'):,} of {sent:,} forged tokens were refused."
    if accepted:
        kinds = ", ".join(f"{row['token']} {row['accepted']:,}" for row in forged if row["accepted"])
        yield f"Accepted: {kinds}."
    if broken:
        kinds = ", ".join(
            f"{row['token']} {int(row['5xx'] or 0) + int(row['reset'] or 0):,}"
            for row in forged if row["5xx"] or row["reset"]
        )  # fmt: skip
        yield f"Answered by a 5xx or a reset: {kinds}."
    if silent:
        yield f"{silent:,} had no answer."
    if unclear:
        yield f"{unclear:,} got an answer that neither refuses nor serves."
    why = (forged_tokens.no_forgery(run, kind.name) for kind in forged_tokens.kinds(run))
    yield from dict.fromkeys(one for one in why if one)
