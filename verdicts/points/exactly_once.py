"""E1 to E4: how often what users wanted was done, where calls say which intent they are for.

An intent is a scheduled arrival with all its repeats; effects and charges are counted after the load
(`verdicts.measure.intents.effects`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from verdicts.measure.intents import effects
from verdicts.measure.intents.effects import CAUSES, Effects
from verdicts.points.point import AT_100_MAU, Finding, Value, point
from verdicts.run.reading import Run

MOST: Final = 50  # rows
NO_BOOKS: Final = "Not observed: a target tells what was done, and not what was paid."


@point(
    "E1",
    en="How many intents were done exactly once?",
    ja="ちょうど1回だけ実行された意図はどれだけあるか",
    scenario="twice",
    when=AT_100_MAU,
    figures={"share": "share", "once": "", "more": "", "never": ""},
    units={"% of intents": "%(意図のうち)"},
)
def once(run: Run) -> Finding:
    """Their share of all that went out; the table has them by what happened first."""
    found = effects.of(run)
    if isinstance(found, str):
        return Finding.unseen(found)
    if not found.arrival.size:
        return Finding.unseen("No judged user called a tool.")
    good, more = int(found.once.sum()), int((found.surplus > 0).sum())
    never = int((found.done == 0).sum())
    share = good / found.arrival.size
    calls = int(found.attempts.sum())
    evidence = f"Of {found.arrival.size:,} intents, in {calls:,} calls, {good:,} were done exactly once"
    evidence += f", {more:,} more often, {never:,} never."
    figures = {"share": share, "once": good, "more": more, "never": never}
    rows = tuple(_by_cause(found))
    return Finding(round(100 * share, 2), "% of intents", evidence + _stray(found), figures, rows=rows)


@point(
    "E2",
    en="How many effects happened more than once?",
    ja="重複して実行された効果はいくつあるか",
    scenario="twice",
    when=AT_100_MAU,
    figures={"more": "", "intents": "", "most": "", **dict.fromkeys(CAUSES[1:], "")},
    units={"effects too many": "件(余分な効果)"},
)
def more(run: Run) -> Finding:
    """Effects beyond the first of each intent, by cause."""
    found = effects.of(run)
    if isinstance(found, str):
        return Finding.unseen(found)
    surplus = found.surplus
    count, twice = int(surplus.sum()), int((surplus > 0).sum())
    most = int((found.done // found.wanted).max(initial=0))
    figures = {"more": count, "intents": twice, "most": most, **_causes(found, surplus)}
    evidence = f"{twice:,} of {found.arrival.size:,} intents were done more than once, {most} times at most"
    evidence += _told(found, surplus) + "." + _recorded(found)
    return Finding(count, "effects too many", evidence, figures, rows=tuple(_worst(found, surplus)))


@point(
    "E3",
    en="How many charges were paid for what was not done?",
    ja="実行されなかったのに課金されたのは何件か",
    scenario="twice",
    when=AT_100_MAU,
    figures={"charges": "", "intents": "", "never": "", "unrecorded": "", **dict.fromkeys(CAUSES[1:], "")},
    units={"charges without an effect": "件(効果のない課金)"},
)
def paid(run: Run) -> Finding:
    """Charges beyond the effects of each intent, by cause."""
    found = effects.of(run)
    if isinstance(found, str):
        return Finding.unseen(found)
    if found.paid is None or found.recorded is None:
        return Finding.unseen(NO_BOOKS)
    lost = found.lost
    never = int(((found.paid > 0) & (found.done == 0)).sum())
    unrecorded = int(np.maximum(np.minimum(found.done, found.paid) - found.recorded, 0).sum())
    count, cases = int(lost.sum()), int((lost > 0).sum())
    figures = {
        "charges": count, "intents": cases, "never": never, "unrecorded": unrecorded, **_causes(found, lost),
    }  # fmt: skip
    evidence = (
        f"{int(found.paid.sum()):,} charges, {count:,} of them without an effect, of {cases:,} intents; "
        f"{never:,} intents were paid and never done{_told(found, lost)}. Paid and done without a usage row "
        f"(lost with its origin, or under a request id that has one): {unrecorded:,}."
    )
    return Finding(count, "charges without an effect", evidence, figures, rows=tuple(_worst(found, lost)))


@point(
    "E4",
    en="How many intents were answered as done, and were not?",
    ja="成功と応答されたのに実行されていない意図はどれだけあるか",
    scenario="twice",
    when=AT_100_MAU,
    figures={"intents": "", "served": ""},
    units={"answered, not done": "件(応答のみで未実行)"},
)
def hollow(run: Run) -> Finding:
    """Of those that were answered well."""
    found = effects.of(run)
    if isinstance(found, str):
        return Finding.unseen(found)
    count, served = int(found.hollow.sum()), int(found.served.sum())
    evidence = (
        f"{served:,} of {found.arrival.size:,} intents were answered well, {count:,} of them were not done."
    )
    figures = {"intents": count, "served": served}
    rows = tuple(_worst(found, found.hollow.astype(np.int64)))
    return Finding(count, "answered, not done", evidence, figures, rows=rows)


def _causes(found: Effects, amount: NDArray[np.int64]) -> dict[str, float]:
    """The amount by cause."""
    sums = np.bincount(found.cause, amount, minlength=len(CAUSES))
    return {name: float(sums[number]) for number, name in enumerate(CAUSES) if number}


def _told(found: Effects, amount: NDArray[np.int64]) -> str:
    told = [f"{name} {count:,.0f}" for name, count in _causes(found, amount).items() if count]
    return f" (by cause: {', '.join(told)})" if told else ""


def _recorded(found: Effects) -> str:
    """What the usage table alone would say."""
    if found.recorded is None:
        return ""
    surplus = int(np.maximum(found.recorded - found.wanted, 0).sum())
    return f" By the usage table alone: {surplus:,} too many."


def _stray(found: Effects) -> str:
    return f" {found.stray:,} more effects are of arrivals that no sample tells of." if found.stray else ""


def _by_cause(found: Effects) -> Iterator[dict[str, Value]]:
    for number, name in enumerate(CAUSES):
        mine = found.cause == number
        if mine.any():
            yield {
                "what came first": name,
                "intents": int(mine.sum()),
                "done once": int(found.once[mine].sum()),
                "more than once": int((found.surplus[mine] > 0).sum()),
                "never": int((found.done[mine] == 0).sum()),
                "charges without an effect": int(found.lost[mine].sum()),
                "answered, not done": int(found.hollow[mine].sum()),
            }


def _worst(found: Effects, amount: NDArray[np.int64]) -> Iterator[dict[str, Value]]:
    """The intents with most of it, the earliest first among equals."""
    order = np.argsort(-amount, kind="stable")[: min(MOST, int((amount > 0).sum()))]
    for one in order.tolist():
        yield {
            "arrival": int(found.arrival[one]),
            "account": int(found.account[one]),
            "calls": int(found.attempts[one]),
            "done": int(found.done[one]),
            "paid": None if found.paid is None else int(found.paid[one]),
            "answered well": "yes" if found.served[one] else "no",
            "what came first": CAUSES[found.cause[one]],
        }
