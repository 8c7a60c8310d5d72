"""State machines as transition tables: what is not in the table cannot happen.

A table maps (state, event) to the next state. An event without an entry raises `IllegalEventError` and
changes nothing. `diagram` draws a table for the docs, so that picture and code are one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

Table = Mapping[tuple[str, str], str]


class IllegalEventError(Exception):
    """An event that the current state does not know; the state stands as it was."""


class Machine:
    """One run through a table. `watch(before, after)` is called after each change."""

    def __init__(self, table: Table, state: str, watch: Callable[[str, str], None] | None = None) -> None:
        self.table = table
        self.state = state
        self.watch = watch

    def can(self, event: str) -> bool:
        """Whether the current state knows this event."""
        return (self.state, event) in self.table

    def fire(self, event: str) -> str:
        """Take the transition and return the new state; raises `IllegalEventError`."""
        before = self.state
        if not self.can(event):
            raise IllegalEventError(f"{event!r} in state {before!r}")
        self.state = self.table[before, event]
        if self.watch is not None:
            self.watch(before, self.state)
        return self.state


def states(table: Table) -> tuple[str, ...]:
    """Every state of a table, in order of first mention."""
    names = [name for (before, _), after in table.items() for name in (before, after)]
    return tuple(dict.fromkeys(names))


def diagram(table: Table) -> str:
    """The table as a Mermaid state diagram."""
    lines = [f"    {before} --> {after}: {event}" for (before, event), after in table.items()]
    return "\n".join(["stateDiagram-v2", *(line.replace("half-open", "half_open") for line in lines)])
