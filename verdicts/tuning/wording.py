"""The answer of a search for limits in words, in English and Japanese."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from scenarios.tuning_table import TunedLimit, protect, stack
from verdicts.language.units import gap
from verdicts.language.words import ENGLISH, Say
from verdicts.tuning.answer import Answer, LimitAnswer, LimitSide
from verdicts.tuning.trial import FLOOR
from verdicts.tuning.tuning_file import PAGE


def shown(limit: TunedLimit, value: float, say: Say) -> str:
    """A value with its unit; a switch is on or off."""
    if limit.switch:
        return say("on") if value else say("off")
    return f"{value:,.6g}{gap(say(limit.unit), say.language)}{say(limit.unit)}"


def advice(answer: LimitAnswer, say: Say) -> str:
    """Keep, lower or raise, in a few words."""
    limit = answer.limit
    value, plan = shown(limit, answer.value, say), shown(limit, limit.plan, say)
    if not answer.known:
        return say("not known yet, so the plan's {value} stands", value=value)
    if answer.verdict == "keep":
        return say("keep {value}", value=value)
    if limit.switch:
        return say("switch it {value}", value=value)
    if answer.verdict == "lower":
        return say("lower from {plan} to {value}", plan=plan, value=value)
    return say("raise from {plan} to {value}", plan=plan, value=value)


def told(side: LimitSide, say: Say) -> str:
    """What becomes of it at another value."""
    if (run := side.broken) is not None:
        names = {"attack": run.attack, "bound": run.broken[0]}
        if side.as_own(run) and not side.worse:
            return say("{attack} breaks a bound ({bound}), as the recommended value does", **names)
        return say("{attack} breaks a bound ({bound})", **names)
    if not side.own.holds:
        return say("every bound held")
    points = f"{abs(side.more_lost) * 100:.1f}"
    if side.more_lost > FLOOR:
        return say("{points} points more are lost", points=points)
    if side.more_lost < -FLOOR:
        return say("{points} points fewer are lost", points=points)
    return say("not told apart")


def sentence(answer: LimitAnswer, say: Say) -> str:
    """One limit: what to do, what the plan's value and either side come to, whether it matters."""
    limit = answer.limit
    parts = [say("{name}: {advice}.", name=limit.name, advice=advice(answer, say))]
    if answer.plan is not None:
        value = shown(limit, limit.plan, say)
        parts.append(say("At the plan's {value}: {what}.", value=value, what=told(answer.plan, say)))
    parts += [
        say("At {value}: {what}.", value=shown(limit, side.value, say), what=told(side, say))
        for side in answer.sides
        if answer.plan is None or side.value != answer.plan.value
    ]
    if answer.matters is None and answer.known:
        parts.append(say("Neither side of it was tried."))
    elif answer.matters is False:
        parts.append(say("Between these it does not matter."))
    return say.join(parts)


def runs(answer: LimitAnswer) -> list[str]:
    """The folders of the runs that a limit's sentence stands on."""
    sides = (*answer.sides, *([answer.plan] if answer.plan else []))
    return list(dict.fromkeys(run.folder for side in sides for run in side.trial.runs))


def headline(answer: Answer, say: Say) -> str:
    """How sure the recommended set is."""
    if not answer.known:
        return say("Nothing is known yet")
    return {
        "confirmed": say("Limits found and confirmed"),
        "broken": say("Limits found, but a bound broke at full length"),
        "not confirmed": say("Limits found, not confirmed yet"),
    }[answer.sure]


def summary_sentence(answer: Answer, say: Say) -> str:
    """What changes, what stays, what does not matter, and how much was run."""
    changes = [f"{one.limit.name} ({advice(one, say)})" for one in answer.limits if one.verdict != "keep"]
    idle = [one.limit.name for one in answer.limits if one.matters is False]
    full = sum(len(one.runs) for one in answer.confirmed)
    return say.join(
        [
            _changes(changes, answer, say),
            say("It does not matter here: {names}.", names=between(say).join(idle)) if idle else None,
            say(
                "{count} runs count, {full} of them of this set at full length; {aside} prove nothing.",
                count=len(answer.found.runs), full=full, aside=len(answer.found.aside),
            ),
            _ended(answer, say),
        ]
    )  # fmt: skip


def _changes(changes: Sequence[str], answer: Answer, say: Say) -> str | None:
    if changes:
        return say("To change: {names}.", names=between(say).join(changes))
    return say("Every value of the plan stays.") if all(one.known for one in answer.limits) else None


def between(say: Say) -> str:
    """What stands between names."""
    return "、" if say.language == "ja" else ", "


def _ended(answer: Answer, say: Say) -> str | None:
    if answer.found.ended == "stopped":
        return say("The search was stopped before its end.")
    return say("Its budget was over before its end.") if answer.found.ended else None


def block(answer: Answer) -> str:
    """The recommended set as a scenario has it, to paste."""
    best = answer.found.best
    return yaml.safe_dump({"protections": protect(best), "stack": stack(best)}, sort_keys=False)


def summary(answer: Answer, folder: Path) -> Iterable[str]:
    """The lines at the end of the command."""
    say = ENGLISH
    yield f"{headline(answer, say)}. {summary_sentence(answer, say)}"
    for one in answer.limits:
        yield f"  {sentence(one, say)}"
    yield f"  page: {folder / PAGE}"
