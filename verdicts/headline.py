"""What a tired engineer asks first: did the attack arrive, did the target hold, what broke first?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from verdicts.breaks import Break, breaks, own_breaks, said_no_first
from verdicts.judge import Judgement
from verdicts.points import PointResult


def sentence(judged: Judgement) -> str:
    """The verdict in one sentence."""
    if not judged.validity.valid:
        return "The run does not count: " + "; ".join(judged.validity.reasons) + "."
    statuses = [point.status for point in judged.points[1:]]
    held = [point for point in judged.points[1:] if point.threshold or point.status != "info"]
    if judged.verdict == "fail":
        failed = "; ".join(_failure(point) for point in judged.points if point.status == "fail")
        return f"The attack arrived and the target did not hold: {failed}."
    if judged.verdict == "invalid":
        empty = ", ".join(point.id for point in judged.points if point.status == "invalid")
        return f"Nothing to hold the threshold of {empty} against."
    if not held:
        return "The attack arrived; this scenario sets no bounds."
    return f"The attack arrived and the target held {statuses.count('pass')} of {len(held)} bounds."


def _failure(point: PointResult) -> str:
    return f"{point.id} {', '.join(point.broken) or point.value}"


def broke_first(judged: Judgement) -> str:
    """What broke first, in words."""
    found = _found(judged)
    return str(found[0]) if found else "nothing broke"


def _found(judged: Judgement) -> list[Break]:
    """What broke; in a run that does not count, the load's own breaks stand first."""
    own = [] if judged.validity.valid else own_breaks(judged.run)
    return [*own, *breaks(judged.run)]


class Card(NamedTuple):
    """One of the three questions, answered. `status` colours it; `figures` are (name, value)."""

    question: str
    answer: str
    status: str
    figures: list[tuple[str, str]]
    note: str = ""


def cards(judged: Judgement, found: Mapping[str, Any]) -> list[Card]:
    """The three questions of the first screen; `found` is the document of verdicts.json."""
    return [_arrived(judged, found), _held(judged, found), _broke(judged)]


def _arrived(judged: Judgement, found: Mapping[str, Any]) -> Card:
    total, delay = judged.ledger.total, judged.ledger.start_delay.ms()
    share = f"{total.sent / total.planned:.2%}".replace(".00%", "%") if total.planned else "nothing"
    answer = f"{'Yes' if judged.validity.valid else 'No'}, {share} was sent"
    if not judged.validity.valid and total.sent == total.planned:
        answer = "It does not count"
    return Card(
        "Did the attack arrive?",
        answer,
        "pass" if judged.validity.valid else "invalid",
        [
            ("sent of planned", f"{total.sent:,} of {total.planned:,}"),
            ("late · dropped · unknown", f"{total.late:,} · {total.dropped:,} · {total.unknown:,}"),
            ("start delay p50 · p99", f"{_ms(delay['p50'])} · {_ms(delay['p99'])}"),
            ("most in flight", f"{found['peak_in_flight']:,}"),
        ],
    )


def _held(judged: Judgement, found: Mapping[str, Any]) -> Card:
    times, errors = found["response_ms"], sum(found["errors"].values())
    sent = max(judged.ledger.total.sent, 1)
    answer = {"pass": "Yes", "fail": "No", "invalid": "Not known"}[judged.verdict]
    broken = [point.id for point in judged.points if point.status == "fail"]
    return Card(
        "Did the target hold?",
        f"{answer}, {', '.join(broken)} out of bounds" if broken else answer,
        judged.verdict,
        [
            ("succeeded", f"{found['arrivals']['ok']:,}"),
            ("errors", f"{errors:,} ({errors / sent:.2%})"),
            ("refused by a protection", f"{sum(found['refusals'].values()):,}"),
            ("response p50", _ms(times["p50"])),
            ("response p95 · p99", f"{_ms(times['p95'])} · {_ms(times['p99'])}"),
        ],
    )


def _ms(value: float | None) -> str:
    """Milliseconds to three digits."""
    return "–" if value is None else f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"


def _broke(judged: Judgement) -> Card:
    found = _found(judged)
    refused = said_no_first(judged.run)
    return Card(
        "What broke first?",
        found[0].what if found else "Nothing broke",
        "fail" if found else "pass",
        [(one.what, one.when) for one in found[:4]],
        f"First refusal: {refused}." if refused else "No protection refused a call.",
    )
