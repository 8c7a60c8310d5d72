"""Accounts connect from addresses of their own: the recorder sees them as TCP peers, without any header."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pytest

from tests.support.recorder.attack import Plan, attack
from tests.support.recorder.handle import recorder

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
KEYS: Final = {"sources": ["127.0.1.1-127.0.1.20"], "client_ip_header": None}


def test_each_account_comes_from_its_own_address(tmp_path: Path) -> None:
    plan = Plan(accounts=20, rate=2, seconds=3, target_keys=KEYS)
    with recorder(0.05) as server, attack(plan, server.base_url, tmp_path, warm=True) as running:
        run = running.wait()
        seen = server.recording().only("tools/call")
    run.check_ledger()
    assert len(seen.rows) == run.arrivals["sent"] == 120
    peers = np.array(seen.ips)[seen.rows["ip"]]
    pairs = {*zip(np.array(seen.tokens)[seen.rows["token"]].tolist(), peers.tolist(), strict=True)}
    assert len(pairs) == 20  # an account, an address
    assert {address for _, address in pairs} == {f"127.0.1.{number}" for number in range(1, 21)}
