"""What the upstreams keep of their work: whose it was, for each call that ended well."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from fakes import faults
from fakes.control.process_config import StackConfig
from fakes.control.state import Control
from fakes.http.metrics import Metrics
from fakes.upstream.connection import UpstreamCall
from fakes.upstream.upstream import Upstream, UpstreamTool

QUICK = {"upstreams": {"fast": {"echo": {"mean": 0.0, "high": 0.001}}}}


class Connection:
    """Answers go nowhere."""

    call = None
    transport: Any = None


class Said(UpstreamCall[UpstreamTool]):
    __slots__ = ("answered",)
    answered: asyncio.Event

    def answer(self, status: int, body: bytes, spent_ms: float) -> None:
        self.answered.set()


def made() -> tuple[Control, Upstream]:
    config = StackConfig.model_validate(
        {
            **{
                "control_token": "t",
                "gateway_secret": "s",
                "issuer": "i",
                "jwks_url": "http://127.0.0.1:1/j",
            },
            "settings": QUICK,
        }
    )
    control = Control(config, faults.of("upstream"))
    return control, Upstream(control, Metrics())


def told(upstream: Upstream) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(upstream.told().body)
    return found


async def call(upstream: Upstream, intent: bytes, *, leave: bool = False) -> None:
    tool = upstream.find(b"/fast/echo")
    assert tool is not None
    said = Said(Connection(), tool, True, b"{}", intent)  # type: ignore[arg-type]
    said.answered = asyncio.Event()
    upstream.begin(said)
    if leave:
        upstream.lost(said)
        return
    await said.answered.wait()


async def test_each_call_that_ends_well_stands_there_once() -> None:
    _, upstream = made()
    for intent in (b"k", b"k", b"", b"other"):
        await call(upstream, intent)
    assert (told(upstream)["done"], told(upstream)["in_flight"]) == (["k", "k", "other"], 0)


async def test_what_failed_or_was_left_does_not() -> None:
    control, upstream = made()
    await call(upstream, b"left", leave=True)
    control.faults({"faults": [{"id": "1", "fault": "upstream-error", "target": "fast"}]})
    await call(upstream, b"failed")
    assert told(upstream)["done"] == []


async def test_a_reset_forgets_it() -> None:
    control, upstream = made()
    await call(upstream, b"k")
    control.reset({})
    assert told(upstream)["done"] == []
