"""`tune.html` and `tune.md`: the front, a sentence a limit, the confirmation, the settings to paste."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from scenarios.tuning_table import NO_LIMIT, OWN
from verdicts.language.words import Say
from verdicts.report import plotly_js
from verdicts.report.environment import embedded, environment
from verdicts.tuning import growth_page, growth_wording, wording
from verdicts.tuning.answer import Answer, Confirmation, LimitAnswer, SettingPoint
from verdicts.tuning.growth_answer import GrowthAnswer

PLOT: Final = "front"
MARKS: Final = {
    "recommended": ("good-2", "star"),
    "plan": ("c1", "square"),
    "today": ("c2", "diamond"),
    "none": ("bad", "x"),
}
HOVER: Final = "%{text}<br>%{y:.2f} %, %{x:.1f} %<extra></extra>"
OTHERS: Final = ("muted", "circle")


def html(answer: Answer, language: str) -> str:
    """The page."""
    say = Say(language)
    specs = {PLOT: spec(answer, say)}
    if growth := GrowthAnswer.found(answer.found):
        specs[growth_page.PLOT] = growth_page.spec(growth, say)
    values = {**_values(answer, language), "specs": embedded(specs)}
    return environment(language).get_template("tune.html").render(**values, plotly=plotly_js.packed())


def markdown(answer: Answer, language: str) -> str:
    """The text."""
    return environment(language, html=False).get_template("tune.md").render(**_values(answer, language))


def _values(answer: Answer, language: str) -> Mapping[str, Any]:
    say = Say(language)
    named = [point for point in answer.points if point.name]
    growth = GrowthAnswer.found(answer.found)
    alone = None if answer.found.runs else growth  # growth was asked for, and no set searched
    return {
        "answer": answer,
        "found": answer.found,
        "verdict": _sure(answer) if alone is None else growth_page.sure(alone),
        "headline": wording.headline(answer, say) if alone is None else say("The plan's limits by size"),
        "sentence": wording.summary_sentence(answer, say)
        if alone is None
        else growth_wording.summary_sentence(alone, say),
        "limits": [_limit(one, say) for one in answer.limits],
        "named": named,
        "titles": titles(say),
        "front": answer.front,
        "changes": lambda point: _changes(point, answer, say),
        "confirmed": [_confirmed(one) for one in answer.confirmed],
        "block": wording.block(answer),
        "growth": growth_page.values(growth, say) if growth else None,
        "no_limit": _reasons(NO_LIMIT, say),
        "own": _reasons(OWN, say),
    }


def _reasons(names: Mapping[str, str], say: Say) -> list[tuple[str, str]]:
    """(the names of one reason, the reason)."""
    found: dict[str, list[str]] = {}
    for name, why in names.items():
        found.setdefault(why, []).append(name)
    return [(wording.between(say).join(mine), say(why)) for why, mine in found.items()]


def _sure(answer: Answer) -> str:
    return {"confirmed": "pass", "broken": "fail", "not confirmed": "invalid"}[answer.sure]


def titles(say: Say) -> dict[str, str]:
    """The names of sets in words."""
    return {
        "recommended": say("recommended"),
        "plan": say("the plan's values"),
        "today": say("today's"),
        "none": say("no protection"),
        "": say("another setting"),
    }


def _limit(one: LimitAnswer, say: Say) -> dict[str, Any]:
    low, high = one.interval
    return {
        "name": one.limit.name,
        "verdict": one.verdict,
        "plan": wording.shown(one.limit, one.limit.plan, say),
        "today": wording.shown(one.limit, one.limit.today, say)
        if one.limit.today is not None
        else say("off"),
        "value": wording.shown(one.limit, one.value, say),
        "interval": f"{low:g} … {high:g}" if not one.limit.switch and low < high else "–",
        "matters": say("not tried") if one.matters is None else say("yes") if one.matters else say("no"),
        "sentence": wording.sentence(one, say),
        "runs": wording.runs(one),
    }


def _changes(point: SettingPoint, answer: Answer, say: Say) -> str:
    """What a setting has that the plan has not."""
    told = [
        f"{one.limit.name} {wording.shown(one.limit, point.trial.values[one.limit.name], say)}"
        for one in answer.limits
        if point.trial.values.get(one.limit.name, one.limit.plan) != one.limit.plan
    ]
    return ", ".join(told) or say("the plan's values")


def _confirmed(one: Confirmation) -> dict[str, Any]:
    low, high = one.interval or (None, None)
    return {
        "name": one.attack.name,
        "ordinary": one.attack.ordinary,
        "held": one.held,
        "runs": one.runs,
        "served": f"{one.served * 100:.2f} %",
        "interval": "–" if low is None or high is None else f"{low * 100:.2f} … {high * 100:.2f}",
        "room": f"{one.room * 100:.0f} %",
        "broken": next((run.broken[0] for run in one.runs if run.broken), ""),
    }


def spec(answer: Answer, say: Say) -> dict[str, Any]:
    """plotly's figure: what is served against how much room is left; filled: every bound held."""
    names = titles(say)
    traces = [
        _trace(name, names[name], [point for point in answer.points if point.name == name])
        for name in ("", *MARKS)
    ]
    line = answer.front
    front = {
        "type": "scatter", "mode": "lines", "name": say("the front: no setting beats it in both"),
        "x": [point.trial.room * 100 for point in line], "y": [_served(point) for point in line],
        "line": {"color": "var(--c1)", "width": 2}, "hoverinfo": "skip",
    }  # fmt: skip
    layout = {
        "height": 420,
        "hovermode": "closest",
        "xaxis": {"title": {"text": say("memory left, % of what kills the instance")}},
        "yaxis": {"title": {"text": say("innocents and ordinary work served, %")}},
        "margin": {"b": 92},
    }
    return {"data": [front, *(trace for trace in traces if trace["x"])], "layout": layout}


def _served(point: SettingPoint) -> float:
    return round((1 - point.trial.lost) * 100, 3)


def _trace(name: str, title: str, points: Iterable[SettingPoint]) -> dict[str, Any]:
    color, symbol = MARKS.get(name, OTHERS)
    mine = list(points)
    symbols = [symbol if point.trial.holds else f"{symbol}-open" for point in mine]
    return {
        "type": "scatter", "mode": "markers", "name": title,
        "x": [round(point.trial.room * 100, 2) for point in mine], "y": [_served(point) for point in mine],
        "text": [_hover(point) for point in mine], "hovertemplate": HOVER,
        "marker": {"color": f"var(--{color})", "symbol": symbols, "size": 9 if not name else 14},
    }  # fmt: skip


def _hover(point: SettingPoint) -> str:
    values = ", ".join(f"{name} {value:g}" for name, value in point.trial.values.items())
    return point.name or values
