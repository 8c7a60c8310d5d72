"""`/metrics` and `/_control/…` in front of an app: see `fakes.http.serve` for the endpoint."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from fakes.control.process_config import StackConfig
from fakes.control.state import Control, ControlError
from fakes.http.asgi import JSON, TEXT, ASGIApp, Receive, Reply, Scope, Send, header, send_reply, whole_body
from fakes.http.metrics import Metrics
from fakes.http.rpc import UNREADABLE

COMMANDS: Final = ("protections", "settings", "faults", "reset")
State = Callable[[], Mapping[str, Any]]


def with_control_endpoint(
    app: ASGIApp, control: Control, metrics: Metrics, config: StackConfig, state: State
) -> ASGIApp:
    """The app with `/metrics` and the control endpoint before it."""
    control.on_reset.append(metrics.reset)
    endpoint = ControlEndpoint(control, config, state)

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/metrics":
            await send_reply(send, Reply(200, [TEXT], metrics.text()))
        elif path.startswith("/_control/"):
            await send_reply(send, await endpoint.answer(scope, receive))
        else:
            await app(scope, receive, send)

    return handle


class ControlEndpoint:
    """The control endpoint of one process."""

    def __init__(self, control: Control, config: StackConfig, state: State) -> None:
        self.control, self.config, self.state = control, config, state

    async def answer(self, scope: Scope, receive: Receive) -> Reply:
        """Obey one command; gives the state that it led to."""
        token = header(scope, b"x-control-token") or b""
        if not hmac.compare_digest(token, self.config.control_token.reveal().encode()):
            return _json(403, {"error": "X-Control-Token is missing or wrong"})
        try:
            return self._obey(scope["path"].removeprefix("/_control/"), await whole_body(scope, receive))
        except ControlError as error:
            return _json(400, {"error": str(error)})

    def _obey(self, command: str, body: bytes) -> Reply:
        if command in COMMANDS:
            getattr(self.control, command)(_object(body))
        elif command != "state":
            return _json(404, {"error": f"no such door; allowed: state, {', '.join(COMMANDS)}"})
        return _json(200, self._whole_state())

    def _whole_state(self) -> dict[str, Any]:
        snapshot = self.control.snapshot
        return {
            "name": self.config.name,
            "pid": os.getpid(),
            "protections": sorted(snapshot.protections),
            "settings": snapshot.settings.model_dump(mode="json"),
            "known_faults": sorted(self.control.known_faults),
            "effects": dict(self.control.effects),
            "faults": [msgspec.to_builtins(fault) for fault in snapshot.faults],
            **self.state(),
        }


def _object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body or b"{}", type=dict[str, Any])
    except UNREADABLE as error:
        raise ControlError(f"body: {error}; allowed: a JSON object") from None


def _json(status: int, value: object) -> Reply:
    return Reply(status, [JSON], msgspec.json.encode(value))
