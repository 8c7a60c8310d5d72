"""`plan.html` and `plan.md`: the same content, once as a page, once as text that stands in a pull request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verdicts.explain import first_break
from verdicts.language import catalogue
from verdicts.language.words import Say
from verdicts.plan import answers, claims
from verdicts.plan.plan_file import PlanFile
from verdicts.plan.summary import PlanSummary
from verdicts.report.environment import environment


def html(plan_file: PlanFile, plan: PlanSummary, language: str) -> str:
    """The page."""
    return environment(language).get_template("plan.html").render(**_values(plan_file, plan, language))


def markdown(plan_file: PlanFile, plan: PlanSummary, language: str) -> str:
    """The text."""
    return (
        environment(language, html=False).get_template("plan.md").render(**_values(plan_file, plan, language))
    )


def _values(plan_file: PlanFile, plan: PlanSummary, language: str) -> Mapping[str, Any]:
    say = Say(language)
    known = answers.first_found(plan.judged_runs)
    return {
        "plan_file": plan_file,
        "plan": plan,
        "when": catalogue.advice(language).when,
        "headline": plan.headline(say),
        "sentence": plan.sentence(say),
        "cards": plan.cards(say),
        "todo": plan.todo(language),
        "target": known.get("target", ""),
        "stack": known.get("stack", ""),
        "version": known.get("version", plan_file.version),
        "machine": known.get("machine", {}),
        "claims": claims.texts(plan.answers, language),
        "broke": lambda text: first_break.retold(text, say),
        "time": lambda found: _time(found, say),
    }


def _time(found: Mapping[str, Any], say: Say) -> str:
    """A run's time factor in words."""
    scale = found.get("time_scale", 1)
    return say("real time") if scale == 1 else say("× {factor} as fast", factor=f"{scale:g}")
