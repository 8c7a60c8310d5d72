"""An isolate on a manual clock, with a five-line inner app: drives one layer of the edge in-process."""

from __future__ import annotations

from typing import Any

import msgspec

from common.protections import NAMES
from fakes.control.state import Snapshot
from fakes.edge_runtime.isolate import EdgeCall, Isolate, Layer
from fakes.edge_runtime.key_set import Keys
from fakes.edge_runtime.kv import Kv
from fakes.edge_runtime.metrics import LayerMetrics
from fakes.http.asgi import Message, Reply, Scope
from fakes.http.metrics import Metrics
from fakes.protections.jwks_cache import JwksCache
from fakes.settings import StackSettings
from tests.support.manual_clock import ManualClock

BODY = b'{"jsonrpc":"2.0","id":7,"method":"tools/list"}'


class EdgeRig:
    """One KV, any number of isolates; `reached` are the calls that the inner app saw."""

    def __init__(
        self,
        settings: dict[str, Any] | None = None,
        protections: tuple[str, ...] = NAMES,
        keys: Keys | None = None,
    ) -> None:
        self.clock = ManualClock(1_000_000.0)
        self.snapshot = Snapshot(frozenset(protections), StackSettings.model_validate(settings or {}))
        self.metrics = Metrics()
        self.own = LayerMetrics(self.metrics)
        self.kv = Kv(self.clock, self.own.kv)
        self.keys: Keys = keys or {}
        self.fetches: list[str] = []
        self.reached: list[EdgeCall] = []

    def isolate(self, place: int = 0) -> Isolate:
        jwks = JwksCache(self.fetch, self.fetches.append, self.clock)
        return Isolate(place, self.kv, self.own, jwks, "issuer", self.clock)

    async def fetch(self) -> Keys:
        return self.keys

    async def inner(self, scope: Scope, receive: Any, send: Any) -> None:
        self.reached.append(scope["state"]["call"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    def layer(self, layer: Layer, place: int = 0) -> Any:
        return layer(self.inner, self.isolate(place))

    async def ask(self, app: Any, user: str = "u", ip: str = "1.1.1.1", token: bytes | None = None) -> Reply:
        headers = [] if token is None else [(b"authorization", b"Bearer " + token)]
        call = EdgeCall(self.snapshot, dict(headers), ip, user)
        return await drive(app, {"type": "http", "headers": headers, "state": {"call": call}})

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


async def drive(app: Any, scope: dict[str, Any], body: bytes = BODY) -> Reply:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, rest = sent
    return Reply(start["status"], list(start["headers"]), rest["body"])


def reason(reply: Reply) -> str:
    return str(msgspec.json.decode(reply.body)["error"]["data"]["reason"])
