"""A whole run against a server whose answers a seeded generator makes; `bench.generated_answers` is long."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.recorder.attack import Plan, attack
from tests.support.recorder.handle import nasty
from tests.support.recorder.tally import check_tally

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_the_ledger_is_what_the_server_counted(tmp_path: Path) -> None:
    plan = Plan(accounts=20, rate=10, seconds=5, timeout=4.0, path="/generated-1")
    with nasty() as server, attack(plan, server.base_url, tmp_path, warm=True) as running:
        run = running.wait()
        assert running.exit_code in (0, 1, 3), running.console
        assert not running.left_over()
        told = server.stats()
    assert run.arrivals["planned"] == plan.per_second * plan.seconds
    assert "Traceback" not in run.log + running.console
    check_tally(run, told)
