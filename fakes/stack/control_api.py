"""The supervisor's control API on loopback: the whole stack, and its process figures.

    GET    /metrics, /health                 (no token)
    GET    /state                            → see `state`
    PUT    /protections {"names": […]}       PUT /settings {partial tree}
    POST   /faults {"fault", "target"?, …}   → {"id"}
    DELETE /faults/{id}                      → {"observed"}, how often it had an effect; null: nobody knows
    DELETE /faults
    POST   /reset                            counters, windows, quotas, peaks, and the money's tables
    GET    /consistency                      the audit of the run: see `fakes.database.audit`
    GET    /effects                          charges and usage rows by intent: `fakes.database.effects`
    POST   /connections                      where the limit is: see `fakes.database.connection_limit`
    POST   /restart {"process"}              POST /kill {"process", "signal": KILL|TERM|STOP|CONT}
All but the first line need the header X-Control-Token. What leads to a new state answers it: 200.
400 with {"error": one line} for a command that cannot be obeyed, 403 for a bad token, 404 and 405.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from fakes.control.state import ControlError
from fakes.http.asgi import JSON, TEXT, Receive, Reply, Scope, Send, header, send_reply, whole_body
from fakes.http.hop import HopError
from fakes.http.rpc import UNREADABLE
from fakes.stack.process_figures import StackMetrics
from fakes.stack.supervisor import PARTS, SIGNALS, Stack

Body = dict[str, Any]
Command = Callable[[Body], Awaitable[Any]]
ENDING: Final = ("process-down", "origin-exit")  # faults with which a process ends
LEFT_OUT: Final = ("settings", "protections", "known_faults", "name", "pid")


class ControlApi:
    """The ASGI app."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._figures = StackMetrics(stack)
        control_plane = stack.control_plane
        self._commands: dict[tuple[str, str], Command] = {
            ("GET", "/state"): lambda _: self.state(),
            ("PUT", "/protections"): lambda body: control_plane.put_protections(body.get("names")),
            ("PUT", "/settings"): self._put_settings,
            ("POST", "/faults"): self._add_fault,
            ("DELETE", "/faults"): lambda _: control_plane.clear_faults(),
            ("POST", "/reset"): self._reset,
            ("GET", "/consistency"): lambda _: stack.database.audit(),
            ("GET", "/effects"): lambda _: stack.database.effects(),
            ("POST", "/connections"): lambda _: stack.database.connections(),
            ("POST", "/restart"): self._restart,
            ("POST", "/kill"): self._kill,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await send_reply(send, await self._answer(scope, receive))

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        if scope["path"] == "/metrics":
            return Reply(200, [TEXT], await self._figures.text())
        if scope["path"] == "/health":
            return _json(200, {"status": "ok"})
        token = header(scope, b"x-control-token") or b""
        if not hmac.compare_digest(token, self.stack.identity.control_token.encode()):
            return _json(403, {"error": "X-Control-Token is missing or wrong"})
        return await self._obey(scope["method"], scope["path"], await whole_body(scope, receive))

    async def _obey(self, method: str, path: str, raw: bytes) -> Reply:
        try:
            command, body = self._command(method, path), _object(raw)
            answer = await command(body)
        except LookupError as error:
            return _json(*error.args)
        except ControlError as error:
            return _json(400, {"error": str(error)})
        return _json(200, answer if answer is not None else await self.state())

    def _command(self, method: str, path: str) -> Command:
        fault_id = path.removeprefix("/faults/")
        if method == "DELETE" and fault_id not in (path, ""):
            return lambda _: self._clear_fault(fault_id)
        if (method, path) in self._commands:
            return self._commands[method, path]
        methods = [known for known, where in self._commands if where == path]
        allowed = methods or sorted({where for _, where in self._commands})
        raise LookupError(405 if methods else 404, {"error": f"allowed: {', '.join(allowed)}"})

    async def state(self) -> Body:
        """What is in force, how each process is, and what happened."""
        stack = self.stack
        stack.note_ended()
        pids = stack.pids()
        return {
            "protections": stack.control_plane.protections,
            "settings": stack.control_plane.settings.model_dump(mode="json"),
            "faults": stack.control_plane.faults,
            "allowed_faults": stack.control_plane.allowed_faults(),
            "stale": sorted(stack.control_plane.stale),
            "processes": {name: await self._process(name, pid) for name, pid in pids.items()},
            "events": stack.events,
        }

    async def _process(self, name: str, pid: int | None) -> Body:
        process: Body = {"pid": pid, "up": pid is not None, "frozen": name in self.stack.frozen}
        kept = self.stack.kept_events.of.get(name, [])
        if kept:
            process["kept_events"] = kept
        if pid is None:
            return {**process, "how": self.stack.down.get(name, "")}
        peer = self.stack.control_plane.peers.get(name)
        if peer is None or process["frozen"]:
            return process
        try:
            said = await peer.ask("state", timeout_s=1.0)
        except HopError as error:
            return {**process, "error": f"no answer: {type(error).__name__}"}
        return {**process, "own": {key: value for key, value in said.items() if key not in LEFT_OUT}}

    async def _put_settings(self, body: Body) -> None:
        await self.stack.control_plane.put_settings(body)
        self.stack.nanos.configure(self.stack.control_plane.settings.nano)

    async def _add_fault(self, body: Body) -> Body:
        if body.get("fault") in ENDING:
            await self.stack.kept_events.keep(*([str(body["target"])] if body.get("target") else PARTS))
        fault_id = await self.stack.control_plane.add_fault(body)
        self.stack.note("fault", str(body.get("fault")), {**body, "id": fault_id, "on": True})
        return {"id": fault_id}

    async def _clear_fault(self, fault_id: str) -> Body:
        observed = await self.stack.control_plane.clear_fault(fault_id)
        self.stack.note("fault", fault_id, {"id": fault_id, "on": False})
        return {"observed": observed}

    async def _reset(self, body: Body) -> None:
        await self.stack.control_plane.reset()
        self.stack.nanos.reset()
        self.stack.kept_events.forget()
        await self.stack.database.reset()

    async def _restart(self, body: Body) -> None:
        await self.stack.kept_events.keep(str(body.get("process")))
        await self.stack.restart(str(body.get("process")))

    async def _kill(self, body: Body) -> None:
        name = str(body.get("signal", "KILL")).removeprefix("SIG")
        if name not in SIGNALS:
            raise ControlError(f"signal: unknown {name!r}; allowed: {', '.join(SIGNALS)}")
        if name in ("KILL", "TERM"):
            await self.stack.kept_events.keep(str(body.get("process")))
        self.stack.kill(str(body.get("process")), SIGNALS[name])


def _object(body: bytes) -> Body:
    try:
        return msgspec.json.decode(body or b"{}", type=Body)
    except UNREADABLE as error:
        raise ControlError(f"body: {error}; allowed: a JSON object") from None


def _json(status: int, value: object) -> Reply:
    return Reply(status, [JSON], msgspec.json.encode(value))
