"""When the balancer checks its origins, and what it still believes after a reset."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fakes.control.process_config import StackConfig
from fakes.control.state import Control
from fakes.edge.balancer import Balancer
from fakes.edge.balancer_state import A, B
from fakes.edge.metrics import EdgeMetrics
from fakes.http.asgi import Reply
from fakes.http.hop import HopTimeout
from fakes.http.metrics import Metrics
from tests.support.virtual_loop import run


class Origin:
    """Answers after `takes` seconds, or not in time."""

    def __init__(self) -> None:
        self.takes = 0.0
        self.status = 200
        self.asked: list[float] = []

    async def request(self, method: bytes, path: bytes, timeout: float) -> Reply:  # noqa: ASYNC109
        self.asked.append(asyncio.get_running_loop().time())
        await asyncio.sleep(min(self.takes, timeout))
        if self.takes >= timeout:
            raise HopTimeout
        return Reply(self.status, [], b"")


class Rig:
    """A balancer over two such origins, in virtual time."""

    def __init__(self, **balancer: Any) -> None:
        config = StackConfig.model_validate(
            {
                "control_token": "", "gateway_secret": "", "issuer": "", "jwks_url": "",
                "settings": {"balancer": balancer},
            }
        )  # fmt: skip
        self.a, self.b, self.control, self.metrics = Origin(), Origin(), Control(config), Metrics()
        hops: Any = {A: self.a, B: self.b}
        clock = asyncio.get_running_loop().time
        self.balancer = Balancer(hops, self.control, EdgeMetrics(self.metrics), clock)

    async def watch(self, seconds: float) -> None:
        watching = asyncio.create_task(self.balancer.watch())
        await asyncio.sleep(seconds)
        watching.cancel()

    def believed(self) -> list[tuple[float, str]]:
        return [
            (event["t"], event["detail"]["origin"])
            for event in self.balancer.events
            if event["name"] == "health"
        ]


def test_checks_come_at_their_interval_however_long_an_answer_takes() -> None:
    async def main() -> None:
        rig = Rig(check_interval=30.0, check_timeout=5.0)
        rig.a.takes = 9.0
        await rig.watch(100.0)
        assert rig.a.asked == rig.b.asked == pytest.approx([30.0, 60.0, 90.0])

    run(main())


def test_a_silent_origin_holds_up_nothing_that_is_known_of_the_other() -> None:
    async def main() -> None:
        rig = Rig(check_interval=30.0, check_timeout=5.0, failures_to_down=1)
        rig.a.takes, rig.b.status = 9.0, 503
        await rig.watch(40.0)
        assert [origin for _, origin in rig.believed()] == [B, A]
        assert [t for t, _ in rig.believed()] == pytest.approx([30.0, 35.0])

    run(main())


def test_only_a_change_of_its_own_settings_starts_the_interval_anew() -> None:
    async def main() -> None:
        rig = Rig(check_interval=30.0)
        watching = asyncio.create_task(rig.watch(100.0))
        await asyncio.sleep(20.0)
        rig.control.protections({"names": ["burst-limit"]})
        rig.control.settings({"edge": {"burst_per_s": 9}})
        await asyncio.sleep(20.0)
        rig.control.settings({"balancer": {"check_interval": 50.0}})
        await watching
        assert rig.a.asked == pytest.approx([30.0, 90.0])

    run(main())


def test_after_a_reset_it_believes_what_it_does_at_its_start() -> None:
    async def main() -> None:
        rig = Rig(check_interval=30.0, failures_to_down=3)
        rig.a.status = 503
        await rig.watch(100.0)
        assert rig.balancer.lb.state == "split"
        rig.control.reset({})
        assert (rig.balancer.lb.state, rig.balancer.lb.origins[A].health) == ("primary", "up")
        value = rig.metrics.registry.get_sample_value
        assert value("mcpist_lb_state", {"state": "primary"}) == 1
        assert value("mcpist_lb_state", {"state": "split"}) == 0
        await rig.watch(70.0)
        assert rig.balancer.lb.state == "primary"

    run(main())
