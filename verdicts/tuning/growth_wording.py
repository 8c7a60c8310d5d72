"""The answer on growth in words, in English and Japanese."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from scenarios.tuning_table import TunedLimit
from verdicts.language.words import ENGLISH, Say
from verdicts.tuning.growth_answer import GrowthAnswer, LimitCell, SizeAnswer
from verdicts.tuning.tuning_file import PAGE
from verdicts.tuning.wording import between, shown


def cell(limit: TunedLimit, one: LimitCell, say: Say) -> str:
    """One limit at one size, in a few words."""
    value = shown(limit, one.value, say)
    if one.kind == "change":
        return (
            say("switch it {value}", value=value) if limit.switch else say("change to {value}", value=value)
        )
    return {
        "keep": say("keep {value}", value=value),
        "instance": say("bigger instance (× {times}), {value}", times=one.size.grown.instance, value=value),
        "none": say("nothing that was tried holds"),
        "silent": say("not answered here"),
        "unknown": say("not known yet"),
    }[one.kind]


def sentence(answer: GrowthAnswer, limit: TunedLimit, say: Say) -> str:
    """One limit over all sizes: those of the same answer together."""
    rows = groupby(answer.cells(limit), key=_alike)
    told = [_told(limit, list(cells), answer, say) for _, cells in rows]
    return f"{limit.name}: {say.join(told)}"


def _alike(one: LimitCell) -> tuple[str, float, int]:
    """Cells of which one sentence says all."""
    value = one.value if one.kind in ("keep", "change", "instance") else 0.0
    return one.kind, value, {"instance": one.size.grown.instance, "none": one.size.largest}.get(one.kind, 1)


def _told(limit: TunedLimit, cells: Sequence[LimitCell], answer: GrowthAnswer, say: Say) -> str:
    at = between(say).join(f"{one.size.mau:,}" for one in cells)
    first = cells[0]
    value, held = shown(limit, first.value, say), shown(limit, answer.growth.held[limit.name], say)
    why = ""
    if first.why is not None and (first.kind == "none" or value != held):
        why = say(
            "With {held} {attack} breaks a bound ({bound}).",
            held=held, attack=first.why.attack, bound=first.why.broken[0],
        )  # fmt: skip
    said = {
        "keep": say("At {at} MAU keep {value}.", at=at, value=value),
        "change": say("At {at} MAU it has to be {value}.", at=at, value=value),
        "instance": say(
            "At {at} MAU only an instance of {times} times the memory and CPU holds, with {value}.",
            at=at, times=first.size.grown.instance, value=value,
        ),
        "none": say(
            "At {at} MAU nothing that was tried holds, up to {times} times the memory and CPU.",
            at=at, times=first.size.largest,
        )
        if first.size.largest > 1
        else say("At {at} MAU nothing that was tried holds.", at=at),
        "silent": say(
            "At {at} MAU this machine does not answer: {names}.",
            at=at, names=between(say).join(first.size.unanswered),
        ),
        "unknown": say("At {at} MAU it is not known yet.", at=at),
    }  # fmt: skip
    return say.join([said[first.kind], why])


def summary_sentence(answer: GrowthAnswer, say: Say) -> str:
    """From which size on limits have to change, when an instance has to, and what is not answered."""
    known = [one for one in answer.sizes if one.known]
    changed = next((one for one in known if one.holds and one.grown.values != answer.growth.held), None)
    bigger = next((one for one in known if one.holds and one.grown.instance > 1), None)
    open_ = [one for one in answer.sizes if not one.grown.over]
    kept = [one for one in known if one.holds and one.grown.values == answer.growth.held]
    return say.join(
        [
            say("The set holds as it is at {at} MAU.", at=_sizes(kept, say)) if kept else None,
            say("From {mau} MAU on limits have to change.", mau=f"{changed.mau:,}") if changed else None,
            say("From {mau} MAU on a bigger instance is the answer.", mau=f"{bigger.mau:,}")
            if bigger
            else None,
            say("Nothing that was tried holds at {at} MAU.", at=_sizes(answer.failing, say))
            if answer.failing
            else None,
            *(_unanswered(one, say) for one in answer.sizes if one.unanswered),
            say("Not known yet at {at} MAU.", at=_sizes(open_, say)) if open_ else None,
            _ended(answer, say),
        ]
    )


def _ended(answer: GrowthAnswer, say: Say) -> str | None:
    if not answer.growth.ended:
        return None
    stopped = answer.growth.ended == "stopped"
    return (
        say("The search was stopped before its end.")
        if stopped
        else say("Its budget was over before its end.")
    )


def _sizes(sizes: Iterable[SizeAnswer], say: Say) -> str:
    return between(say).join(f"{one.mau:,}" for one in sizes)


def unanswered(one: SizeAnswer, say: Say) -> str:
    """The attacks that this machine says nothing of at a size, with why."""
    told = (f"{name} ({why or say('no run counts')})" for name, why in one.unanswered.items())
    return between(say).join(told)


def _unanswered(one: SizeAnswer, say: Say) -> str:
    return say("At {mau} MAU not answered here: {names}.", mau=f"{one.mau:,}", names=unanswered(one, say))


def summary(answer: GrowthAnswer, folder: Path) -> Iterable[str]:
    """The lines at the end of the command."""
    say = ENGLISH
    yield summary_sentence(answer, say)
    for limit in answer.limits:
        yield f"  {sentence(answer, limit, say)}"
    yield f"  page: {folder / PAGE}"
