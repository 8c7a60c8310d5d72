"""Whose load it is: nothing but the bundled stack is attacked without a person's yes.

The guard, `max_rps` and `i_own_this_host` hold before anybody is asked, and again in the process that sends:
a yes opens nothing that the target's file does not allow.
"""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, Field

from cli.search import request
from common.addresses.url import shown_path
from common.errors import RefusedInputError
from run.checks import calls_sent
from run.request import CheckedRun
from scenarios import load as scenarios
from scenarios import plan_runs
from scenarios.overrides import Overrides
from targets.schema import Target

CANNOT_ASK: Final = (
    "a run on anything but the bundled stack needs a person's yes, and this client cannot ask for one "
    "(elicitation), allowed: target bundled"
)
NO: Final = "nobody said yes to the run, so nothing was sent"


class Consent(BaseModel):
    """The person's answer."""

    yes: bool = Field(title="Send this load", description="The host is mine, and it may be attacked now.")


class NoConsentError(RefusedInputError):
    """Nobody said yes; one line."""


def question(run: CheckedRun) -> str:
    """What is asked: what goes where, at most."""
    target = run.target
    return (
        f"Attack {target.base_url}{shown_path(target.path)} (target {target.name})? "
        f"{run.scenario.name} sends {calls_sent.told(run.scenario, target)}."
    )


def plan_question(target: Target, mode: str) -> str:
    """The same of the plan's runs in `mode`. Raises ConfigError for one that there is not."""
    runs = [scenarios.load(run.scenario, Overrides.read(changes)) for run, changes in plan_runs.runs(mode)]
    sent = [calls_sent.of(one) for one in runs]
    return _series_question(
        target,
        f"the {len(runs)} runs of the resilience plan, {sum(one.calls for one in sent):,} requests in "
        f"{sum(one.duration for one in runs):,g} s, at most {max(one.in_a_second for one in sent):,} in a "
        "second; repeats come on top, and a run that does not count is made once more",
    )


def search_question(target: Target, budget: str) -> str:
    """The same of a search for the breakpoint. Raises ConfigError for a budget that is none."""
    most, minutes = target.max_rps or request.HIGH, request.budget(budget) / 60
    return _series_question(
        target,
        f"slow calls, run after run up to {most:,g} in a second, to find the most that it bears, for "
        f"{minutes:,g} minutes at most",
    )


def _series_question(target: Target, what: str) -> str:
    """`what` is sent to it, within the bounds of its file."""
    bounds = [f"never more than max_rps {target.max_rps:g} in a second"] if target.max_rps else []
    bounds += [f"no run over max_duration {target.max_duration:g} s"] if target.max_duration else []
    return f"Attack {target.base_url} (target {target.name}) with {'; '.join([what, *bounds])}?"


def require(consent: Consent) -> None:
    """Raises NoConsentError."""
    if not consent.yes:
        raise NoConsentError(NO)
