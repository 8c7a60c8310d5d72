"""Was the pooler there that the scenario asked for? Without it a run says so, and judges nothing of it."""

from __future__ import annotations

from verdicts.run.reading import Run


def missing(run: Run) -> str:
    """Why the run is not what it set out to be; "" if it is."""
    settings = run.manifest.settings("database")
    there = (run.connections or {}).get("pooler", True)
    if settings.get("mode") != "pooler" or there:
        return ""
    return (
        "PgBouncer is not installed here (Debian: apt-get install pgbouncer), so the origins' own pools "
        "reached Postgres directly: nothing is said of a pooler."
    )
