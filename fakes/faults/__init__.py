"""The faults that the bundled stack can be made to have: one a file, each a `FaultKind`, found by name.

    check("upstream-stall", "notion", {}, ["notion", "jira"])     ValueError with what is allowed
    of("origin")                                                 the names that a process of this kind obeys

A file says what the fault is; whoever obeys it is its `owner`. `docs/adding-a-fault.md` tells how to add one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

from fakes.faults.fault import FaultKind, Owner

CATALOGUE: Final[dict[str, FaultKind]] = {}
for _module in iter_modules(__path__):
    if _module.name != "fault":
        _fault: FaultKind = import_module(f"{__name__}.{_module.name}").FAULT
        CATALOGUE[_fault.name] = _fault


def of(owner: Owner) -> tuple[str, ...]:
    """The names of the faults that `owner` obeys."""
    return tuple(fault.name for fault in CATALOGUE.values() if fault.owner == owner)


def check(name: str, target: str | None, params: Mapping[str, Any], upstreams: Iterable[str]) -> None:
    """A scenario's fault can be made. Raises ValueError: what is wrong, and all that is allowed."""
    if name not in CATALOGUE:
        raise ValueError(f"fault: {name!r}, allowed: {', '.join(CATALOGUE)}")
    CATALOGUE[name].check(target, params, tuple(upstreams))
