"""The parts of a scenario. Durations are seconds once read; rates are requests per second."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from common.durations import Duration, Moment, seconds, seconds_within
from common.mcp_versions import Spoken
from common.strict import Several, Strict
from common.tool_call import ModuleCall, Role, StandardCall, Word, by_key

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
PointId = Annotated[str, Field(pattern=r"^([PFM][0-9]\.[0-9]{1,2}|[CIELS][0-9])$")]
Tier = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$")]
AccountCount = Annotated[int, Field(ge=1, le=100_000)]
Rate = Annotated[float, Field(gt=0, le=100_000)]
Options = dict[str, Any]
_NUMBER: Final = re.compile(r"[0-9]{1,3}(\.[0-9]+)?")


def _share(value: Any) -> Any:
    """`99 %` as 0.99; anything else as it is."""
    text = value.removesuffix("%").strip() if isinstance(value, str) and value.endswith("%") else ""
    return float(text) / 100 if _NUMBER.fullmatch(text) else value


Share = Annotated[float, BeforeValidator(_share), Field(ge=0, le=1)]
"""A share, written as `99 %` or 0.99."""

_TEXT_OPTIONS: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")


def _checked_options(options: Options) -> Options:
    for key in options:
        if not _TEXT_OPTIONS.fullmatch(key):
            raise ValueError(f"key {key!r}, allowed: lower-case words")
    return options


class Text(Strict):
    """A text in the report's languages; Japanese falls back to English."""

    en: Annotated[str, Field(min_length=1, max_length=2000)]
    ja: Annotated[str, Field(min_length=1, max_length=2000)] | None = None


class Accounts(Strict):
    """Who a group's users are. `ips`: an address for each account, one for all, or so many in turn."""

    count: AccountCount = 100
    tier: Tier = "unlimited"
    ips: Literal["per-account", "one"] | Annotated[int, Field(ge=1, le=100_000)] = "per-account"
    id: Literal["uuid", "text"] = "uuid"


class ShapeSettings(Strict):
    """When arrivals fall: the name of a schedule and its parameters, as `shapes/registry.py` has them.

    Rates are multiples of the group's rate; times are seconds, also written as a duration (`20s`).
    """

    kind: Name = "constant"
    params: Options = Field(default_factory=dict)

    @field_validator("params")
    @classmethod
    def _read(cls, params: Options) -> Options:
        return {key: seconds_within(value) for key, value in _checked_options(params).items()}


class PersonaSettings(Strict):
    """How an account behaves: the name of a persona of `users/personas/` and its own options."""

    name: Name = "caller"
    options: Options = Field(default_factory=dict)

    @field_validator("options")
    @classmethod
    def _read(cls, options: Options) -> Options:
        return _checked_options(options)


class _Weighted(Strict):
    """How a group uses a tool: as often as `weight` says against its others.

    `role`: which of a target's own `tools` stands for it. A slow one is judged by what the gateway adds.
    """

    weight: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    role: Role = "fast"


class ModuleTool(ModuleCall, _Weighted):
    """One of MCPist's tools."""


class StandardTool(StandardCall, _Weighted):
    """A tool by its own name."""


Tool = Annotated[
    Annotated[ModuleTool, Tag("[module]")] | Annotated[StandardTool, Tag("[standard]")], Discriminator(by_key)
]


class Group(Strict):
    """Users who behave alike. No tools: they call `tools/list`.

    `attack` marks who ACCOUNTS= and RATE= change when there are several groups; `judge` marks whose
    service the points are about, and is the opposite of `attack` unless it is given.
    `protocol`: the revision of MCP that they speak with the bundled stack; a target of one's own has its own.
    `answers_input`: a tool that asks the user first (the modern era's `input_required`) is answered, with
    something made up.
    `reopen_within`: an account that lost its session waits for a time of its own, up to this, before it opens
    another.
    """

    name: Name = "users"
    accounts: Accounts = Accounts()
    rate: Rate = 1.0
    shape: ShapeSettings = ShapeSettings()
    persona: PersonaSettings = PersonaSettings()
    tools: Several[Tool] = ()
    protocol: Spoken = "none"
    answers_input: bool = False
    reopen_within: Moment = 0.0
    attack: bool = False
    judge: bool

    @model_validator(mode="before")
    @classmethod
    def _judge(cls, data: Any) -> Any:
        if isinstance(data, dict) and "judge" not in data:
            return {**data, "judge": data.get("attack") is not True}
        return data


class Fault(Strict):
    """From `at` to `until` (the run's end if none) `fault` is in force, for `target` or for everything.

    Written with `for` (how long) or `until` (when it heals); `params` are the fault's own. A fault of which
    no effect is seen makes the run invalid, unless its effect is `optional`.
    """

    at: Moment
    fault: Name
    target: Word | None = None
    until: Duration | None = None
    params: Options = Field(default_factory=dict)
    effect: Literal["required", "optional"] = "required"

    @model_validator(mode="before")
    @classmethod
    def _until(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "for" not in data:
            return data
        if data.get("until") is not None:
            raise ValueError("both `for` and `until`, allowed: one of them")
        rest = {key: value for key, value in data.items() if key != "for"}
        return {**rest, "until": seconds(data.get("at", 0)) + seconds(data["for"])}

    @field_validator("params")
    @classmethod
    def _read(cls, params: Options) -> Options:
        return {key: seconds_within(value) for key, value in _checked_options(params).items()}

    @model_validator(mode="after")
    def _order(self) -> Fault:
        if self.until is not None and self.until <= self.at:
            raise ValueError(f"until {self.until:g} s, allowed: later than at ({self.at:g} s)")
        return self


class Phase(Strict):
    """A named span of the run that reports tell apart; seconds since its start."""

    name: Name
    start: Moment
    end: Duration

    @model_validator(mode="after")
    def _order(self) -> Phase:
        if self.end <= self.start:
            raise ValueError(f"end {self.end:g} s, allowed: later than start ({self.start:g} s)")
        return self
