"""What the command line or the web form changes in a scenario.

ACCOUNTS, RATE and TIER go to every group; where a scenario has groups marked `attack: true`, they
go to those alone, so that innocent users stay as they are while the attack grows.

DURATION_SCALE=f makes a quick run of the same attack: every time of the scenario (duration, faults,
phases, shapes, alignment, `reopen_within`) is divided by f, and `time_scale` multiplied by it. Rates
stay as they are. f below 1 slows a scenario down that is scaled itself, down to real time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import ConfigDict, Field, field_validator

from common import stack_parts
from common.durations import Duration
from common.errors import ConfigError
from common.merge import merged
from common.protections import parse
from common.strict import Strict, validate
from scenarios import calibration
from scenarios.option import SOURCE
from scenarios.parts import AccountCount, Rate, Tier
from scenarios.schema import Scenario

SHAPE_TIMES: Final = ("at", "for", "rest")


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
    duration_scale: float | None = Field(default=None, gt=0, le=1000, allow_inf_nan=False)

    stack: str | None = None
    nano: Literal["cgroup", "unlimited", "container", "calibrated"] | None = None

    @field_validator("stack")
    @classmethod
    def _parts(cls, stack: str | None) -> str | None:
        if stack is not None:
            stack_parts.parse(stack)
        return stack

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
        if self.duration is not None:
            _refuse_to_cut(scenario, self.duration, self.source)
        given = {"duration": self.duration, "protections": self.protect, "seed": self.seed}
        tree.update({key: value for key, value in given.items() if value is not None})
        tree["stack"] = merged(tree["stack"], self._stack_settings())
        attackers = [group for group in tree["groups"] if group["attack"]]
        for group in attackers or tree["groups"]:
            _set(group, "rate", self.rate)
            _set(group["accounts"], "count", self.accounts)
            _set(group["accounts"], "tier", self.tier)
        return tree if self.duration_scale is None else _scaled(tree, self.duration_scale)

    def _stack_settings(self) -> dict[str, Any]:
        """What STACK= and NANO= say of the bundled stack."""
        chosen = {} if self.stack is None else stack_parts.parse(self.stack)
        if self.nano == "calibrated":
            return {"parts": chosen, "nano": calibration.nano()}
        return {"parts": chosen if self.nano is None else {**chosen, "nano": self.nano}}


def _refuse_to_cut(scenario: Scenario, duration: float, source: str) -> None:
    """Less time than the scenario's phases and faults need would leave a part of the attack out."""
    ends = [phase.end for phase in scenario.phases] + [fault.until or fault.at for fault in scenario.faults]
    if ends and duration < max(ends):
        factor = math.ceil(scenario.duration / duration * 100) / 100
        text = f"{duration:g} s, but its phases and faults reach {max(ends):g} s"
        allowed = f"DURATION_SCALE={factor:g} (--duration-scale): all of it, {factor:g} times as fast"
        raise ConfigError(source, "duration", f"{text}, allowed: {allowed}")


def _scaled(tree: dict[str, Any], factor: float) -> dict[str, Any]:
    """The scenario `factor` times as fast."""
    tree["time_scale"] *= factor
    tree["duration_scale"] = factor
    for mapping, keys in (
        (tree, ("duration", "align")),
        *((fault, ("at", "until")) for fault in tree["faults"]),
        *((phase, ("start", "end")) for phase in tree["phases"]),
    ):
        mapping |= {key: mapping[key] / factor for key in keys if mapping[key] is not None}
    for group in tree["groups"]:
        group["shape"]["params"] = _shape_scaled(group["shape"]["params"], factor)
        group["reopen_within"] /= factor
    return tree


def _shape_scaled(value: Any, factor: float) -> Any:
    """A shape's parameters with its times divided."""
    if isinstance(value, list | tuple):
        return [_shape_scaled(item, factor) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {
        key: item / factor if key in SHAPE_TIMES and _is_number(item) else _shape_scaled(item, factor)
        for key, item in value.items()
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _set(mapping: dict[str, Any], key: str, value: Any) -> None:
    if value is not None:
        mapping[key] = value


NO_OVERRIDES: Final = Overrides()
