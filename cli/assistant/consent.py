"""Whose load it is: nothing but the bundled stack is attacked without a person's yes.

The guard, `max_rps` and `i_own_this_host` hold before anybody is asked, and again in the process that sends:
a yes opens nothing that the target's file does not allow.
"""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, Field

from common.addresses.url import shown_path
from common.errors import RefusedInputError
from run.request import CheckedRun
from shapes.schedule import peak
from users.engine import job

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
    schedule = job.schedule(run.scenario)
    target = run.target
    return (
        f"Attack {target.base_url}{shown_path(target.path)} (target {target.name})? "
        f"{run.scenario.name} sends {len(schedule):,} requests in {run.scenario.duration:g} s, "
        f"at most {peak(schedule.planned):,} in a second, from {run.accounts:,} accounts."
    )


def series_question(name: str, base_url: str, what: str) -> str:
    """The same for several runs in a row: `what` is attacked with."""
    return f"Attack {base_url} (target {name}) with {what}?"


def require(consent: Consent) -> None:
    """Raises NoConsentError."""
    if not consent.yes:
        raise NoConsentError(NO)
