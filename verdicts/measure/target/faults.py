"""Whether the faults of a scenario happened at all: only the bundled stack lets us make them."""

from __future__ import annotations

from typing import Final

from verdicts.run.reading import Run

IMPOSSIBLE: Final = "not possible on this target"  # as `fakes.stack.timeline` writes it
UNMADE: Final = "Not observed: the scenario's faults need a control that the target lacks, so none was made."


def unmade(run: Run) -> bool:
    """The scenario has faults, and none of them could be made."""
    states = [event.detail.get("state") for event in run.events if event.kind == "fault"]
    return bool(states) and all(state == IMPOSSIBLE for state in states)
