"""P1.9: the connection limit, found from outside by opening connections one by one until refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verdicts.points.point import AT_500_MAU, Finding, point
from verdicts.run.reading import Run

UNSEEN = "Not observed: only the bundled stack's database can be filled up, at the end of a run"


@point(
    "P1.9",
    en="Where is the database's connection limit?",
    ja="データベースの接続数の上限はどこか",
    scenario="db-pool",
    when=AT_500_MAU,
    part="origin",
    figures={"limit": "", "off": "", "opened": ""},
    units={
        "connections": "接続",
    },
)
def connection_limit(run: Run) -> Finding:
    """How many connections the server bore, beside what its settings promise; `off` is the difference.

    `opened`: how many of them somebody else than the gateway could still have.
    """
    found = run.connections
    if found is None:
        return Finding.unseen(f"{UNSEEN}.")
    if found["refusal"] is None:
        return Finding.unseen(f"{found['opened']:,} connections were opened and none was refused.")
    promised = found["max_connections"] - found["reserved"]
    return Finding(
        found["limit"],
        "connections",
        f"The gateway's role opened {found['opened']} one by one until it was refused; with those of others "
        f"{found['limit']} were open by pg_stat_activity; max_connections {found['max_connections']} − "
        f"reserved {found['reserved']} = {promised}.",
        {"limit": found["limit"], "off": abs(found["limit"] - promised), "opened": found["opened"]},
        rows=tuple(_rows(found)),
    )


def _rows(found: Mapping[str, Any]) -> list[dict[str, float | int | str | None]]:
    return [{"held by": who, "connections at the refusal": count} for who, count in found["held"].items()]
