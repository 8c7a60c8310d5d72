"""A scenario: one attack as data. Everything is checked before load starts.

    scenario = load("burst")          # scenarios.load: name or path, overrides
    scenario.groups                   # who attacks, how often, with which tools
    scenario.stack_settings()         # the whole bundled stack's settings for it
    scenario.public()                 # plain data for run.json; Scenario.restore reads it back

`time_scale` f: the stack's windows, intervals and expiries are f times as short, and the counts that a
window allows are f times as small (`fakes.settings`); `stack:` is written unscaled. Durations of the
scenario itself (`duration`, faults, phases, shapes) are real seconds. DURATION_SCALE=f on the command
line divides those by f and multiplies `time_scale` by it (`scenarios.overrides`).
`align`: the run's zero falls on a multiple of so many seconds of the wall clock, as fixed windows do.

A file with a single group may write the group's keys at the top level: the group is then "users".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from common.durations import Duration
from common.merge import merged
from common.protections import PYTHON_ALONE, REFUSALS, Choice, parse
from common.secrets.secret import HIDDEN
from common.stop_when import StopWhen
from common.strict import Several, Strict, explain
from fakes import faults
from fakes.settings import StackSettings
from scenarios.parts import Fault, Group, Name, Phase, PointId, Share, Text
from shapes.registry import make

__all__ = ["Group", "Scenario", "grouped"]
GROUP_KEYS: Final = (
    *(
        "accounts",
        "rate",
        "shape",
        "persona",
        "tools",
        "protocol",
        "answers_input",
        "reopen_within",
        "attack",
        "judge",
    ),
)
# A 401 to a user whose token is good is nothing that a scenario can be about.
EXPECTABLE: Final = (*REFUSALS, "quota_exceeded", "insufficient_credits", "refused")
MOST_ARRIVALS: Final = 20_000_000


class Scenario(Strict):
    """The whole attack, resolved: no defaults are left to whoever reads it."""

    name: Name
    variant_of: Name | None = None
    title: Text
    description: Annotated[str, Field(max_length=4000)] = ""
    priority: Literal["P0", "P1", "P2", "P3", "phase 1"] = "P3"
    plan: Literal["phase1", "phase2", "none"] = "none"
    when: Annotated[str, Field(max_length=100)] = ""
    seed: Annotated[int, Field(ge=0, lt=2**62)] = 1
    duration: Duration = 60.0
    timeout: Duration | None = None  # the call deadline; None: the target's
    drain: Duration | None = None  # calls open so long after the last arrival are aborted; None: none is
    late_ms: Annotated[float, Field(gt=0, le=50)] = 50.0
    time_scale: Annotated[float, Field(ge=1, le=1000)] = 1.0
    duration_scale: Annotated[float, Field(gt=0, le=1000)] = 1.0  # what DURATION_SCALE asked for
    align: Annotated[Duration, Field(le=3600)] | None = None
    connections: Literal["account", "shared"] = "account"  # shared: one pool for all, as an agent host has
    request_ids: Literal["run", "account"] = "run"  # account: each counts from 1, so that many are alike
    late_answers: Literal["cut", "read"] = "cut"  # read: the connection of a call that timed out is read on
    groups: Annotated[Several[Group], Field(min_length=1, max_length=20)]
    protections: str = "today"
    kv: Literal["ideal", "free", "paid"] = "ideal"
    stack: dict[str, Any] = Field(default_factory=dict)
    faults: Annotated[Several[Fault], Field(max_length=1000)] = ()
    phases: Annotated[Several[Phase], Field(max_length=100)] = ()
    points: Several[PointId] = ()
    thresholds: dict[PointId, Annotated[str, Field(min_length=1, max_length=500)]] = Field(
        default_factory=dict
    )
    expects: Several[str] = ()  # the refusals that it is about: they do not count against `service`
    service: Share = 0.99  # so many of the judged users' calls succeed at least
    stop_when: StopWhen | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, data: Any) -> Any:
        return grouped(data) if isinstance(data, dict) else data

    @field_validator("title", mode="before")
    @classmethod
    def _title(cls, title: Any) -> Any:
        return {"en": title} if isinstance(title, str) else title

    @field_validator("protections", mode="before")
    @classmethod
    def _names(cls, protections: Any) -> Any:
        """A list of names is as good as a text with commas."""
        if isinstance(protections, list) and all(isinstance(name, str) for name in protections):
            return ",".join(protections)
        return protections

    @field_validator("protections")
    @classmethod
    def _known(cls, protections: str) -> str:
        parse(protections)
        return protections

    @field_validator("stack")
    @classmethod
    def _settings(cls, stack: dict[str, Any]) -> dict[str, Any]:
        try:
            StackSettings.model_validate(merged(StackSettings().model_dump(), stack))
        except ValidationError as error:
            key, message = explain(StackSettings, error.errors(include_url=False)[0])
            raise ValueError(": ".join(filter(None, (key, message)))) from None
        return stack

    @model_validator(mode="after")
    def _whole(self) -> Scenario:
        for check in (
            _check_names,
            _check_times,
            _check_thresholds,
            _check_size,
            _check_shapes,
            _check_tiers,
            _check_faults,
            _check_expects,
            _check_parts,
        ):
            check(self)
        return self

    @property
    def choice(self) -> Choice:
        """The protections in force: names, preset and the settings that come with them."""
        return parse(self.protections)

    @property
    def counts_effects(self) -> bool:
        """A point asks how often what was wanted was done: calls say which intent they are for."""
        return any(point.startswith("E") for point in self.points)

    @property
    def rate(self) -> float:
        """Arrivals per second of all groups together, before any shape bends it."""
        return sum(group.rate * group.accounts.count for group in self.groups)

    def stack_settings(self) -> StackSettings:
        """The bundled stack's settings: defaults, `stack`, `kv`, `seed`, what protections bring; scaled."""
        own = merged(self.stack, {"kv": {"plan": self.kv}, "seed": self.seed})
        tree = merged(merged(StackSettings().model_dump(), own), self.choice.settings)
        return StackSettings.model_validate(tree).scaled(self.time_scale)

    def dump(self) -> dict[str, Any]:
        """Plain data, whole."""
        return self.model_dump(mode="json", by_alias=True)

    def public(self) -> dict[str, Any]:
        """As `dump`, for `run.json` and the workers: without the database's password."""
        data = self.dump()
        if (data["stack"].get("database") or {}).get("dsn"):
            data["stack"] = merged(data["stack"], {"database": {"dsn": HIDDEN}})
        return data

    @classmethod
    def restore(cls, data: Mapping[str, Any]) -> Scenario:
        """The scenario that `dump` or `public` gave; ValidationError for anything else."""
        return cls.model_validate(data)


def grouped(data: Mapping[str, Any]) -> dict[str, Any]:
    """`data` with the short form's keys moved into one group, "users". Raises ValueError when mixed."""
    given = [key for key in GROUP_KEYS if key in data]
    if "groups" in data:
        if given:
            raise ValueError(f"{given[0]} beside groups, allowed: {given[0]} inside each group")
        return dict(data)
    rest = {key: value for key, value in data.items() if key not in GROUP_KEYS}
    return {**rest, "groups": [{"name": "users", **{key: data[key] for key in given}}]}


def _check_names(scenario: Scenario) -> None:
    names = [group.name for group in scenario.groups]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"groups: {min(twice)!r} stands there twice, allowed: each name once")
    if not any(group.judge for group in scenario.groups):
        raise ValueError("groups: none is judged, allowed: `judge: true` for at least one")


def _check_times(scenario: Scenario) -> None:
    for index, fault in enumerate(scenario.faults):
        last = fault.until or fault.at
        if fault.at >= scenario.duration or last > scenario.duration:
            raise ValueError(f"faults.{index}: reaches {last:g} s, {_within(scenario)}")
    for index, phase in enumerate(scenario.phases):
        if phase.end > scenario.duration:
            raise ValueError(f"phases.{index}: reaches {phase.end:g} s, {_within(scenario)}")


def _within(scenario: Scenario) -> str:
    return f"allowed: within the duration of {scenario.duration:g} s"


def _check_thresholds(scenario: Scenario) -> None:
    if twice := {point for point in scenario.points if scenario.points.count(point) > 1}:
        raise ValueError(f"points: {min(twice)} stands there twice, allowed: each once")
    for point in scenario.thresholds:
        if point not in scenario.points:
            allowed = ", ".join(scenario.points) or "none, for there are no points"
            raise ValueError(f"thresholds.{point}: not a point of this scenario, allowed: {allowed}")


def _check_size(scenario: Scenario) -> None:
    arrivals = scenario.rate * scenario.duration
    if arrivals > MOST_ARRIVALS:
        text = f"{scenario.rate:g} req/s for {scenario.duration:g} s are {arrivals:,.0f} arrivals"
        raise ValueError(f"{text}, allowed: {MOST_ARRIVALS:,}")


def _check_shapes(scenario: Scenario) -> None:
    for number, group in enumerate(scenario.groups):
        rate = group.rate * group.accounts.count
        try:
            shape = group.shape
            make(shape.kind, shape.params, rate=rate, duration=scenario.duration, seed=scenario.seed + number)
        except ValueError as error:
            raise ValueError(f"{group.name}: {error}") from None


def _check_tiers(scenario: Scenario) -> None:
    tiers = scenario.stack_settings().origin.tiers
    for group in scenario.groups:
        if group.accounts.tier not in tiers:
            allowed = ", ".join(tiers)
            raise ValueError(f"{group.name}: accounts.tier: {group.accounts.tier!r}, allowed: {allowed}")


def _check_faults(scenario: Scenario) -> None:
    upstreams = scenario.stack_settings().upstreams
    for index, fault in enumerate(scenario.faults):
        try:
            faults.check(fault.fault, fault.target, fault.params, upstreams)
        except ValueError as error:
            raise ValueError(f"faults.{index}.{error}") from None


def _check_expects(scenario: Scenario) -> None:
    if unknown := [reason for reason in scenario.expects if reason not in EXPECTABLE]:
        raise ValueError(f"expects: {unknown[0]!r}, allowed: {', '.join(EXPECTABLE)}")


def _check_parts(scenario: Scenario) -> None:
    parts = scenario.stack_settings().parts
    absent = [name for name in scenario.choice.names if name in PYTHON_ALONE]
    if absent and "real" in (parts.edge, parts.origin):
        raise ValueError(
            f"protections: {absent[0]!r} beside real parts, allowed: it in the stack in Python alone"
        )
