"""What a tired engineer asks first: did the attack arrive, did the target hold, what broke first?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from verdicts.explain.first_break import Break, first_refusal, load_breaks, target_breaks
from verdicts.judge.judge import SERVICE, Judgement
from verdicts.language.quantities import localized
from verdicts.language.words import ENGLISH, Say
from verdicts.points.point import PointResult


def sentence(judged: Judgement, say: Say = ENGLISH) -> str:
    """The verdict in one sentence."""
    if not judged.validity.valid:
        return say("The run does not count: {reasons}.", reasons="; ".join(judged.validity.reasons))
    held = [point for point in judged.points[1:] if point.status != "info" and point.id != SERVICE]
    if judged.verdict == "fail":
        failed = "; ".join(_failure(point) for point in judged.points if point.status == "fail")
        return say("The attack arrived and the target did not hold: {failed}.", failed=failed)
    if judged.verdict == "invalid":
        empty = ", ".join(point.id for point in judged.points if point.status == "invalid")
        return say("Nothing to hold the threshold of {ids} against.", ids=empty)
    if judged.verdict == "inconclusive":
        return _not_proved(judged, say)
    if not held:
        return say("The attack arrived and the users were served; this scenario sets no other bounds.")
    told = say(
        "The attack arrived, the users were served, and the target held {passed} of {count} bounds.",
        passed=sum(point.status == "pass" for point in held),
        count=len(held),
    )
    return told + (say(" Not seen: {bounds}.", bounds="; ".join(judged.unseen)) if judged.unseen else "")


def _not_proved(judged: Judgement, say: Say) -> str:
    if not judged.excused:
        bounds = "; ".join(judged.unseen)
        if judged.held:
            return say("Nothing is proved: the figure of {bounds} was not seen.", bounds=bounds)
        return say("Nothing is proved: no bound was seen ({bounds}).", bounds=bounds)
    failed = "; ".join(map(_failure, judged.excused))
    return say("Nothing is proved: {failed}, on a machine that others had filled.", failed=failed)


def _failure(point: PointResult) -> str:
    return f"{point.id} {', '.join(point.broken) or point.value}"


def broke_first(judged: Judgement, say: Say = ENGLISH) -> str:
    """What broke first, in words."""
    found = _found(judged)
    if found:
        return found[0].told(say)
    bound = _broken_bound(judged)
    return say("the bound of {id}", id=bound) if bound else say("nothing broke")


def _broken_bound(judged: Judgement) -> str:
    """The first point out of its bounds, so that "nothing broke" never stands beside a fail; "" for none."""
    return next((point.id for point in judged.points if point.status == "fail"), "")


def _found(judged: Judgement) -> list[Break]:
    """What broke; in an invalid run, the load's own breaks stand first."""
    own = [] if judged.validity.valid else load_breaks(judged.run)
    held = judged.verdict in ("pass", "inconclusive") and not judged.excused
    return [*own, *target_breaks(judged.run, held=held)]


class Card(NamedTuple):
    """One of the three questions, answered. `status` colours it; `figures` are (name, value)."""

    question: str
    answer: str
    status: str
    figures: list[tuple[str, str]]
    note: str = ""


def cards(judged: Judgement, found: Mapping[str, Any], say: Say = ENGLISH) -> list[Card]:
    """The three questions of the first screen; `found` is the document of verdicts.json."""
    return [_arrived(judged, found, say), _held(judged, found, say), _broke(judged, say)]


def _arrived(judged: Judgement, found: Mapping[str, Any], say: Say) -> Card:
    total, delay = judged.ledger.total, judged.ledger.start_delay.ms()
    share = say("nothing")
    if total.planned:  # rounded down: 100 % is all of it
        share = f"{10_000 * total.sent // total.planned / 100:.2f}%".replace(".00%", "%")
    answer = say("Yes, {share} was sent" if judged.validity.valid else "No, {share} was sent", share=share)
    if not judged.validity.valid and total.sent == total.planned:
        answer = say("It does not count")
    return Card(
        say("Did the attack arrive?"),
        answer,
        "pass" if judged.validity.valid else "invalid",
        [
            (
                say("sent of planned"),
                say("{sent} of {planned}", sent=f"{total.sent:,}", planned=f"{total.planned:,}"),
            ),
            (say("late · dropped · unknown"), f"{total.late:,} · {total.dropped:,} · {total.unknown:,}"),
            (say("start delay p50 · p99"), f"{_ms(delay['p50'], say)} · {_ms(delay['p99'], say)}"),
            (say("most in flight"), f"{found['peak_in_flight']:,}"),
        ],
    )


def _held(judged: Judgement, found: Mapping[str, Any], say: Say) -> Card:
    times, errors = found["response_ms"], sum(found["errors"].values())
    sent = max(judged.ledger.total.sent, 1)
    broken = [point.id for point in judged.points if point.status == "fail"]
    answer = say(
        {"pass": "Yes", "fail": "No", "invalid": "Not known", "inconclusive": "Not known"}[judged.verdict]
    )
    if broken:
        answer = say("{answer}, {ids} out of bounds", answer=answer, ids=", ".join(broken))
    return Card(
        say("Did the target hold?"),
        answer,
        judged.verdict,
        [
            (say("succeeded"), f"{found['arrivals']['ok']:,}"),
            (say("errors"), f"{errors:,} ({errors / sent:.2%})"),
            (say("refused by a protection"), f"{sum(found['refusals'].values()):,}"),
            (say("response p50"), _ms(times["p50"], say)),
            (say("response p95 · p99"), f"{_ms(times['p95'], say)} · {_ms(times['p99'], say)}"),
        ],
    )


def _ms(value: float | None, say: Say) -> str:
    """Milliseconds to three digits."""
    if value is None:
        return "–"
    return localized(f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms", say.language)


def _broke(judged: Judgement, say: Say) -> Card:
    found, bound = _found(judged), _broken_bound(judged)
    refused = first_refusal(judged.run, say)
    nothing = say("The bound of {id}", id=bound) if bound else say("Nothing broke")
    return Card(
        say("What broke first?"),
        say(found[0].what) if found else nothing,
        "fail" if found or bound else "pass",
        [(say(one.what), one.when(say)) for one in found[:4]],
        say("First refusal: {what}.", what=refused) if refused else say("No protection refused a call."),
    )
