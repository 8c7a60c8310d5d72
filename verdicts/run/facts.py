"""What a run says of itself as a whole: when its load began, why it ended, who was lost on the way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from verdicts.run.run import Run

KILLED: Final = "killed"


def started(run: Run) -> datetime:
    """When load began, UTC."""
    return datetime.fromtimestamp(run.manifest.start_wall, UTC)


def stop_reason(run: Run) -> str:
    """Why the load ended."""
    return KILLED if run.end is None else run.end.stop_reason


def lost_workers(run: Run) -> list[str]:
    """Workers that were lost while the run went on; a run that was killed as a whole lost none."""
    return [] if run.killed else sorted(run.lost)
