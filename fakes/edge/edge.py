"""The edge: what the Cloudflare Worker does, the KV namespace, the key cache and the balancer.

A call passes LAYERS from the first to the last and is then forwarded; `/health` passes through. A layer
whose protection is off in the call's snapshot hands it on at once.

`edge.isolates` = n runs the layers in n isolates, see `fakes.edge.isolates`; all share the one KV, each in a
place of its own (`kv.consistency`). Balancer and forwarding stay in front of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from common.protections import TABLE
from fakes.control.process_config import StackConfig
from fakes.control.state import Control, Snapshot
from fakes.edge.auth import Authenticate
from fakes.edge.balancer import Balancer
from fakes.edge.balancer_state import A, B, Origin
from fakes.edge.forwarding import Forward
from fakes.edge.isolates import Isolates, StackedIsolate
from fakes.edge.metrics import EdgeMetrics
from fakes.edge_runtime.isolate import EdgeCall, Isolate, Layer
from fakes.edge_runtime.key_set import fetcher
from fakes.edge_runtime.kv import Kv
from fakes.http import serve
from fakes.http.asgi import ASGIApp, Message, Receive, Scope, Send
from fakes.http.hop import Hop
from fakes.http.metrics import Metrics, known_path
from fakes.protections.jwks_cache import JwksCache
from fakes.protections.mechanism import edge_layer

# In the table's order: the CPU budget is around all of it, and `jwks-cache` is within Authenticate.
LAYERS: Final[tuple[Layer, ...]] = tuple(
    Authenticate if row.place == "token check" else edge_layer(row.name)
    for row in TABLE
    if row.place in ("edge", "token check")
)
CLIENT_CLOSED: Final = 499


def stacked(isolate: Isolate, forward: ASGIApp) -> ASGIApp:
    """The layers around `forward`, the first outermost."""
    app = forward
    for layer in reversed(LAYERS):
        app = layer(app, isolate)
    return app


class Edge:
    """The ASGI app, with what `/_control` acts on."""

    def __init__(self, config: StackConfig) -> None:
        self.config = config
        self.control, self.metrics = Control(config), Metrics()
        self.own = EdgeMetrics(self.metrics)
        self.kv = Kv(watch=self.own.kv)
        hops: dict[Origin, Hop] = {A: Hop(*config.addresses[A]), B: Hop(*config.addresses[B])}
        self.hops = tuple(hops.values())
        self.balancer = Balancer(hops, self.control, self.own)
        self.forward = Forward(self.balancer, self.own, config.gateway_secret.reveal())
        self.isolates = Isolates(self._make, self.forward, self.own.served, config.settings.seed)
        self.metrics.track("mcpist_isolates", "Isolates that serve.", lambda: len(self.isolates))
        self.metrics.track("mcpist_burst_entries", "Counts kept by isolates.", self.isolates.burst_entries)
        self.metrics.track("mcpist_kv_stored_writes", "KV writes by its store.", self.kv.writes)
        self.metrics.track("mcpist_kv_stored_keys", "Keys in KV's store.", self.kv.keys)
        self.control.on_change.append(self._resize)
        self.control.on_reset.append(self._reset)
        self._resize(self.control.snapshot)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and count it."""
        began, status = self.metrics.begin(), CLIENT_CLOSED

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            scope["state"]["call"] = self._call(scope)
            app = self.forward if scope["path"] == "/health" else self.isolates.app
            await app(scope, receive, counted)
        finally:
            self.metrics.end(began, scope["method"], known_path(scope["path"]), status)

    def state(self) -> dict[str, Any]:
        """For `/_control/state`."""
        origins = {name: checked.health for name, checked in self.balancer.lb.origins.items()}
        lb = {"state": self.balancer.lb.state, "origins": origins}
        return {"lb": lb, "events": self.balancer.events, "kv": self.kv.state()}

    def close(self) -> None:
        """End the isolates; close idle connections to origins and issuer."""
        self.isolates.close()
        for hop in self.hops:
            hop.close()

    def _call(self, scope: Scope) -> EdgeCall:
        headers = dict(scope["headers"])
        snapshot = self.control.snapshot
        address = client_address(headers, scope["client"], snapshot.settings.edge.client_address)
        return EdgeCall(snapshot, headers, address)

    def _resize(self, snapshot: Snapshot) -> None:
        self.isolates.resize(snapshot.settings.edge.isolates)

    def _make(self, place: int, inner: ASGIApp) -> StackedIsolate:
        fetch, hop = fetcher(self.config.jwks_url)  # connections belong to the isolate's loop
        jwks = JwksCache(fetch, lambda cause: self.own.jwks_fetches(cause).inc())
        isolate = Isolate(place, self.kv, self.own, jwks, self.config.issuer)
        return isolate, stacked(isolate, inner), hop

    def _reset(self) -> None:
        self.kv.reset()
        self.isolates.reset()


def client_address(headers: Mapping[bytes, bytes], peer: tuple[str, int] | None, taken: str) -> str:
    """Where a request is from: what its header shows, or with `taken` "peer" whom it is connected to."""
    shown = headers.get(b"cf-connecting-ip", b"") if taken == "header" else b""
    return shown.decode("latin-1") or (peer[0] if peer else "")


async def make_app(config: StackConfig) -> serve.App:
    """The edge on the running loop, with its health checks under way."""
    edge = Edge(config)
    watching = asyncio.create_task(edge.balancer.watch())
    watching.add_done_callback(lambda task: serve.exit_now(3) if not task.cancelled() else None)
    return serve.App(edge, edge.control, edge.metrics, edge.state)
