"""What the command line or the web form changes in a scenario.

ACCOUNTS, RATE and TIER go to every group; where a scenario has groups marked `attack: true`, they
go to those alone, so that innocent users stay as they are while the attack grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ConfigDict, Field, field_validator

from config.strict import Strict, validate
from config.units import Duration
from fakes.protections import parse
from scenarios.parts import AccountCount, Rate, Tier
from scenarios.schema import Scenario

SOURCE: Final = "command line"


class Overrides(Strict):
    """Every value is optional: None leaves the scenario's own."""

    model_config = ConfigDict(strict=False)  # command lines and forms give numbers as text

    source: str = Field(default=SOURCE, exclude=True)
    duration: Duration | None = None
    accounts: AccountCount | None = None
    rate: Rate | None = None
    protect: str | None = None
    seed: int | None = Field(default=None, ge=0, lt=2**62)
    tier: Tier | None = None

    @field_validator("protect")
    @classmethod
    def _known(cls, protect: str | None) -> str | None:
        if protect is not None:
            parse(protect)
        return protect

    @classmethod
    def read(cls, values: Mapping[str, Any], source: str = SOURCE) -> Overrides:
        """From raw values; an empty text is None (no protections are `none`). Raises ConfigError."""
        given = {key: value for key, value in values.items() if value not in (None, "")}
        return validate(cls, {**given, "source": source}, source)

    def over(self, scenario: Scenario) -> dict[str, Any]:
        """The scenario's plain data with these values in it."""
        tree = scenario.dump()
        given = {"duration": self.duration, "protections": self.protect, "seed": self.seed}
        tree.update({key: value for key, value in given.items() if value is not None})
        attackers = [group for group in tree["groups"] if group["attack"]]
        for group in attackers or tree["groups"]:
            _set(group, "rate", self.rate)
            _set(group["accounts"], "count", self.accounts)
            _set(group["accounts"], "tier", self.tier)
        return tree


def _set(mapping: dict[str, Any], key: str, value: Any) -> None:
    if value is not None:
        mapping[key] = value


NO_OVERRIDES: Final = Overrides()
