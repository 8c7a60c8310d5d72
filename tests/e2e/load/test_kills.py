"""Kill −9 of whoever takes part in a run, at a seeded instant: `bench/kills.py` does it at twenty each."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from bench import kills

# A worker's death is the simulator's (docs/simulation.md), and with real processes test_distributed.py's; an
# origin's and the database's together are scenarios/test_db_pool_run.py's.
KINDS: Final = [kind for kind in kills.KINDS if kind not in ("worker", "origin")]
pytestmark = pytest.mark.e2e


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[] if kind == "engine" else [pytest.mark.slow]) for kind in KINDS]
)
def test_a_report_can_be_made_and_the_ledger_balances(tmp_path: Path, kind: str) -> None:
    at = kills.instants(1, kind, 3)[1]  # in the middle of a run's life: load is on its way
    found = kills.kill_one(kind, at, tmp_path / "run")
    assert not found.wrong, (tmp_path / "run.console").read_text()
    assert found.met
