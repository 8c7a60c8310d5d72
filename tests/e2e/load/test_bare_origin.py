"""A bare origin of somebody else's, attacked end to end from a target file alone."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from cli.launch.local_workers import free_port
from tests.support import busy_machine
from tests.support.recorder.attack import Attack, Plan, Run
from tests.support.recorder.handle import Handle

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

LIMIT: Final = 10
TTL: Final = 3  # seconds: tokens are renewed several times in the run


@contextlib.contextmanager
def origin(place: str) -> Iterator[Handle]:
    url = f"http://{place}/.well-known/jwks.json"
    handle = Handle("tests.support.bare_origin", "--jwks", url, "--limit", str(LIMIT))
    try:
        yield handle
    finally:
        handle.stop()


def promised(most: int) -> dict[str, Any]:
    burst = {"most": most, "window": "sliding", "status": 429}  # it gives no reason that the suite knows
    return {"burst_per_s": burst, "ip_per_min": None, "rate_per_min": None}


def target(folder: Path, base_url: str, place: str, **more: Any) -> Path:
    """All that the suite is told of it."""
    file = folder / "origin.yaml"
    tree = {
        "name": "bare-origin",
        "base_url": base_url,
        "protocol": "none",
        "health": "/health",
        "auth": {"header": "X-Gateway-Token", "scheme": "", "ttl": TTL, "serve_jwks": place},
        "accounts": {"ids": "accounts.txt"},
        "tool": {"module": "notion", "tool": "get_page", "params": {"page_id": "home"}},
        "limits": promised(LIMIT),
        "stop_when": {"status_5xx_share": 0.5, "for": "2s", "health_failures": 3},
        **more,
    }
    (folder / "accounts.txt").write_text("# the accounts that the origin knows\nana\nbo\n")
    file.write_text(yaml.safe_dump(tree))
    return file


def attacked(folder: Path, most: int, *options: str) -> tuple[Attack, dict[str, Any]]:
    """A whole `single-burst` on it, promised at `most`; and the origin's own counts."""

    def made(number: int) -> tuple[Attack, dict[str, Any]]:
        place = f"127.0.0.1:{free_port()}"
        (mine := folder / str(number)).mkdir()
        with origin(place) as handle:
            file = target(mine, handle.base_url, place, limits=promised(most))
            words = ["single-burst", "--target", str(file), *options]
            attack = Attack(Plan(), "", mine, 90, command=words, warm=True)
            try:
                attack.wait()
                assert attack.exit_code in (0, 1, 3), attack.console
                assert not attack.left_over()
                return attack, handle.stats()
            finally:
                attack.end()

    return busy_machine.unless_late(made, lambda came: came[0].run.verdicts)


def by_id(run: Run, status: int) -> Counter[str]:
    """Account's id → how often it was answered so."""
    ids = [account["id"] for account in run.manifest["accounts"]]
    return Counter(ids[sample["account"]] for sample in run.samples if sample["status"] == status)


def test_single_burst_against_it(tmp_path: Path) -> None:
    attack, seen = attacked(tmp_path, LIMIT, "--duration", "6s")
    assert attack.exit_code == 0, attack.console
    run = attack.run
    counts = Counter({key: count for key, count in seen["seen"].items() if key != "200 health"})
    run.check_ledger()
    assert sum(counts.values()) == run.arrivals["sent"] + run.arrivals["extra"] == 6 * (20 + 5)
    assert set(counts) == {"200 ok", "429 slow down"}
    assert seen["refused"] == by_id(run, 429)
    assert seen["admitted"] == by_id(run, 200)
    assert set(seen["tokens"]) == {"ana", "bo"}
    assert min(seen["tokens"].values()) >= 6 / TTL
    assert seen["fetches"] in (1, 2), "both accounts may have come before the first answer"
    points = {point["id"]: point for point in run.verdicts["points"]}
    assert points["F1.1"]["status"] == "pass", points["F1.1"]
    assert f"of {LIMIT} allowed" in points["F1.1"]["unit"]
    assert points["F1.1"]["subject"] == "target"
    assert "F1.1.keys" not in points
    assert run.verdicts["verdict"] == "pass"


def test_a_promise_that_it_does_not_keep_is_found_out(tmp_path: Path) -> None:
    attack, _ = attacked(tmp_path, LIMIT - 1, "--duration", "3s")
    assert attack.exit_code == 1, attack.console
    failed = {point["id"] for point in attack.run.verdicts["points"] if point["status"] == "fail"}
    assert failed == {"F1.1"}
