"""What the Worker is told of the origins; the rules themselves are tests of the balancer's state."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fakes.control.process_config import StackConfig
from fakes.control.state import Control
from fakes.edge_worker import health_checks
from fakes.edge_worker.health_checks import HealthChecks
from fakes.http.asgi import Reply
from fakes.http.hop import HopConnectError


class Rig:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, **balancer: Any) -> None:
        self.now, self.told = 0.0, 0
        self.answers: dict[int, int | None] = {1: 200, 2: 200}  # port → status, None: refused
        rig = self

        class Line:
            def __init__(self, host: str, port: int) -> None:
                self.port = port

            async def request(self, method: bytes, path: bytes, timeout: float) -> Reply:  # noqa: ASYNC109
                status = rig.answers[self.port]
                if status is None:
                    raise HopConnectError("refused")
                return Reply(status, [], b"")

        monkeypatch.setattr(health_checks, "Hop", Line)
        config = StackConfig.model_validate(
            {
                "control_token": "t", "gateway_secret": "g", "issuer": "i", "jwks_url": "u",
                "settings": {"balancer": balancer},
            }
        )  # fmt: skip
        self.moves: list[tuple[str, str]] = []
        addresses = {"origin-a": ("", 1), "origin-b": ("", 2)}
        self.checks = HealthChecks(
            addresses, Control(config), lambda *move: self.moves.append(move), self.tell, lambda: self.now
        )

    async def tell(self) -> None:
        self.told += 1

    async def check(self, times: int) -> dict[str, Any]:
        for _ in range(times):
            self.now += 30
            await self.checks.check()
        return self.checks.believed()


async def test_nothing_new_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch)
    believed = await rig.check(3)
    assert believed == {
        "state": "primary", "split": False, "alive": ["origin-a", "origin-b"], "retry_other": False,
    }  # fmt: skip
    assert rig.told == 0


async def test_an_unhealthy_origin_shares_and_a_dead_one_gets_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig(monkeypatch)
    rig.answers[1] = 503
    believed = await rig.check(3)
    assert (believed["state"], believed["split"], believed["alive"]) == (
        "split",
        True,
        ["origin-a", "origin-b"],
    )
    assert (rig.told, rig.moves) == (1, [("primary", "failing-over"), ("failing-over", "split")])
    rig.answers[1] = None
    assert (await rig.check(3))["alive"] == ["origin-b"]
    assert [event["name"] for event in rig.checks.events].count("health") == 2


async def test_a_state_whose_time_is_over_is_left_without_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch, failing_over=5.0)
    waited: list[float] = []
    over = asyncio.Event()

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        await over.wait()
        rig.now += seconds

    monkeypatch.setattr(asyncio, "sleep", sleep)
    rig.answers[1] = 503
    assert (await rig.check(3))["state"] == "failing-over"
    over.set()
    await rig.checks._timer
    assert (rig.checks.believed()["state"], waited, rig.told) == ("split", [5.0], 2)


async def test_a_change_of_settings_starts_the_interval_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch, check_interval=1e6)
    rig.answers[1] = 503
    watching = asyncio.create_task(rig.checks.watch())
    await asyncio.sleep(0)
    rig.checks.control.settings({"balancer": {"check_interval": 1e-6, "failures_to_down": 1}})
    while rig.checks.lb.state != "split":  # noqa: ASYNC110
        await asyncio.sleep(0)
    watching.cancel()
