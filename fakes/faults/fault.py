"""What there is to know of a fault before it is made: its owner, its targets, its parameters.

Its effect is observed by its owner, which counts each time that the fault changed what would have been
(`fakes.control.state.Control.saw`), or by the supervisor, which looks at the process or the server itself.
`DELETE /faults/{id}` gives that number; 0 means that the fault was in force and nothing came of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Owner = Literal["upstream", "origin", "supabase", "stack"]
ORIGINS: Final = ("origin-a", "origin-b")
PROCESSES: Final = ("edge", *ORIGINS, "upstream", "supabase", "postgres", "pgbouncer")
UPSTREAMS: Final = "upstreams"  # stands for the upstreams of the scenario's settings


@dataclass(frozen=True)
class Parameter:
    """A number from `low` to `high`, or any text."""

    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    text: bool = False

    @property
    def allowed(self) -> str:
        """In words."""
        return "a text" if self.text else f"{self.low:g} to {self.high:g}"

    def takes(self, value: object) -> bool:
        """Whether it is one."""
        if self.text:
            return isinstance(value, str) and bool(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.low <= value <= self.high and (not self.whole or value == int(value))


@dataclass(frozen=True)
class FaultKind:
    """One fault. `targets` "upstreams" are those that the scenario has; none: it has no target.

    Without a target a fault is for all of them, unless it `needs_target`. `observed` tells what is counted
    as its effect.
    """

    name: str
    owner: Owner
    observed: str
    targets: tuple[str, ...] = ()
    needs_target: bool = False
    params: Mapping[str, Parameter] = field(default_factory=dict)

    def check(self, target: str | None, params: Mapping[str, Any], upstreams: tuple[str, ...]) -> None:
        """Raises ValueError: what is wrong, and all that is allowed."""
        targets = upstreams if self.targets == (UPSTREAMS,) else self.targets
        if target not in targets and (target is not None or self.needs_target):
            allowed = ", ".join(targets) or "none"
            raise ValueError(f"target: {target!r} of {self.name}, allowed: {allowed}")
        for key, value in params.items():
            if key not in self.params:
                allowed = ", ".join(self.params) or "none"
                raise ValueError(f"params.{key}: unknown to {self.name}, allowed: {allowed}")
            if not self.params[key].takes(value):
                raise ValueError(f"params.{key}: {value!r}, allowed: {self.params[key].allowed}")
