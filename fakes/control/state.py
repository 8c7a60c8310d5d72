"""What may change while a process serves: protections, settings, faults.

A request reads `control.snapshot` once, at its start, and keeps it: a change swaps the whole
immutable snapshot and never touches calls in flight. Faults that hold calls (a stall) are released
by listeners, which run after each swap.

Commands (see `fakes.http.serve` for their HTTP form), each of them declarative and all-or-nothing:
    protections {"names": [...]}       the whole set in force
    settings    {partial tree}         merged into the settings in force
    faults      {"faults": [{"id", "fault", "target"?, …}]}   the whole list in force
    reset       {}                     counters, windows, quotas, peaks
A bad command raises ControlError with one line and changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from common.merge import merged
from common.protections import check_names
from fakes.control.process_config import StackConfig, first_complaint
from fakes.settings import StackSettings


class ControlError(ValueError):
    """A command that cannot be obeyed, as one clear line."""


@dataclass(frozen=True, slots=True)
class ActiveFault:
    """One fault in force. `options` holds what the command said beside id, fault and target."""

    id: str
    fault: str
    target: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a request needs to know of the moment it came in."""

    protections: frozenset[str]
    settings: StackSettings
    faults: tuple[ActiveFault, ...] = ()

    def fault(self, name: str, target: str | None = None) -> ActiveFault | None:
        """The fault of that name in force for `target` (a fault without a target is for all)."""
        for fault in self.faults:
            if fault.fault == name and (target is None or fault.target in (None, target)):
                return fault
        return None


class Control:
    """Holder of the one snapshot in force. Not thread-safe: it belongs to the event loop."""

    def __init__(self, config: StackConfig, known_faults: Iterable[str] = ()) -> None:
        self.snapshot = Snapshot(frozenset(config.protections), config.settings)
        self.known_faults = frozenset(known_faults)
        self.effects: Counter[str] = Counter()  # by a fault's id: how often it changed what would have been
        self.on_change: list[Callable[[Snapshot], None]] = []
        self.on_reset: list[Callable[[], None]] = []

    def protections(self, body: Mapping[str, Any]) -> None:
        """Put exactly these protections in force."""
        try:
            names = check_names(body.get("names", ()))
        except ValueError as error:
            raise ControlError(str(error)) from None
        self._swap(replace(self.snapshot, protections=frozenset(names)))

    def settings(self, body: Mapping[str, Any]) -> None:
        """Merge a part of the settings tree into those in force."""
        tree = merged(self.snapshot.settings.model_dump(), body)
        try:
            settings = StackSettings.model_validate(tree)
        except ValidationError as error:
            raise ControlError(f"settings: {first_complaint(error)}") from None
        self._swap(replace(self.snapshot, settings=settings))

    def faults(self, body: Mapping[str, Any]) -> None:
        """Put exactly these faults in force."""
        self._swap(replace(self.snapshot, faults=tuple(self._fault(item) for item in body.get("faults", ()))))

    def reset(self, body: Mapping[str, Any]) -> None:
        """Forget counters, windows, quotas and peaks; the process and its snapshot stay."""
        for listener in self.on_reset:
            listener()

    def saw(self, fault: ActiveFault) -> ActiveFault:
        """The fault had an effect just now."""
        self.effects[fault.id] += 1
        return fault

    def _fault(self, item: Mapping[str, Any]) -> ActiveFault:
        if item.get("fault") not in self.known_faults:
            allowed = ", ".join(sorted(self.known_faults)) or "none here"
            raise ControlError(f"faults: unknown fault {item.get('fault')!r}; allowed: {allowed}")
        options = {key: value for key, value in item.items() if key not in ("id", "fault", "target")}
        return ActiveFault(str(item.get("id", item["fault"])), item["fault"], item.get("target"), options)

    def _swap(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        for listener in self.on_change:
            listener(snapshot)
