"""A target with several addresses: accounts take them in turn, and each one's share is told."""

from __future__ import annotations

from tests.support.manual_loop import PairedEndpoint
from tests.unit.users.engine.test_engine import COUNT, START, Rig


def test_accounts_take_the_addresses_in_turn() -> None:
    second = PairedEndpoint(address=("198.51.100.8", 80))  # takes connections and never answers
    rig = Rig(elsewhere=(second,))
    rig.engine.take_share(0, 1, START, float("-inf"))
    rig.to(20.0)
    half = COUNT // 2
    line = rig.balanced()
    assert (line["ok"], line["failed"]) == (half, half)
    assert line["addresses"] == {
        "198.51.100.7": {"sent": half, "ok": half, "failed": 0, "aborted": 0},
        "198.51.100.8": {"sent": half, "ok": 0, "failed": half, "aborted": 0},
    }
    rig.engine.close()
    for endpoint in (rig.endpoint, second):
        endpoint.close()


def test_one_address_alone_is_not_told_apart() -> None:
    rig = Rig()
    assert rig.engine.line()["addresses"] == {}
    rig.engine.close()
    rig.endpoint.close()
