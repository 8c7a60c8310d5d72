"""Every persona in every era, on virtual time, against a target that keeps sessions as real servers do."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import gevent
import pytest

from common.mcp_versions import MODERN, NONE
from scenarios.load import load
from telemetry.recording.sample import NO_ROOM, REASON_CODE, Outcome
from tests.unit.users.engine.test_engine import ACCOUNTS, COUNT, RATE, START, Rig
from users.engine import engine as engines
from users.engine.job import GroupBehaviour, group_behaviours
from users.mcp.dialect import Dialect
from users.mcp.operations import CLOSE, INITIALIZE, list_tools

LEGACY = "2025-11-25"
_LINE = re.compile(rb"([A-Z]+) / HTTP/1.1\r\n(.*?)\r\n\r\n", re.DOTALL)
PERSONAS = ("caller", "agent", "spammer")


class Server:
    """One instance: its open sessions, what it was asked, in order."""

    def __init__(self) -> None:
        self.open: set[bytes] = set()
        self.opened = 0
        self.refuses = False  # to open any
        self.asked: list[tuple[str, dict[bytes, bytes], Any]] = []

    def restart(self) -> None:
        self.open.clear()

    def answer(self, verb: bytes, headers: dict[bytes, bytes], body: Any) -> bytes:
        method = str(body.get("method", verb.decode()))
        self.asked.append((method, headers, body))
        session = headers.get(b"mcp-session-id")
        if method == "initialize" and self.refuses:
            return _whole(503, {"error": {"code": -32000, "message": "not now"}})
        if method == "initialize":
            self.opened += 1
            id = b"s-%d" % self.opened
            self.open.add(id)
            result = {"protocolVersion": LEGACY, "capabilities": {}}
            return _whole(200, {"jsonrpc": "2.0", "id": body["id"], "result": result}, id)
        if session not in self.open:
            error = {"code": -32000, "message": "no session"}
            return _whole(400 if session is None else 404, {"error": error})
        if verb == b"DELETE":
            self.open.remove(session)
            return _whole(200, None)
        return _whole(202, None) if "id" not in body else _result(body)


def _result(body: Any) -> bytes:
    return _whole(200, {"jsonrpc": "2.0", "id": body["id"], "result": {}})


def _whole(status: int, body: Any, session: bytes = b"") -> bytes:
    text = b"" if body is None else json.dumps(body).encode()
    given = b"Mcp-Session-Id: %b\r\n" % session if session else b""
    return b"HTTP/1.1 %d Said\r\n%bContent-Length: %d\r\n\r\n%b" % (status, given, len(text), text)


class Talking(Rig):
    """A rig whose target is a `Server`, or one that needs no session."""

    def __init__(self, persona: str, version: str, reopen_within: float = 0.0, **job: Any) -> None:
        self.server = Server()
        self.needs_session = version == LEGACY
        dialect = Dialect(version)
        self.behaviour = GroupBehaviour(persona, (list_tools(dialect),), {}, dialect, reopen_within)
        super().__init__(persona, behaviour=self.behaviour, **job)

    def _pump(self) -> None:
        self.loop.tick()
        self.loop.run()
        for peer in self.endpoint.peers:
            with suppress(OSError):
                self._serve(peer, peer.recv(1 << 16))
        self.loop.run()

    def _serve(self, peer: Any, data: bytes) -> None:
        while found := _LINE.match(data):
            lines = (line.split(b": ", 1) for line in found[2].split(b"\r\n"))
            headers = {name.lower(): value for name, value in lines}
            size = int(headers.get(b"content-length", b"0"))
            body = json.loads(data[found.end() : found.end() + size] or b"{}")
            data = data[found.end() + size :]
            if self.needs_session:
                peer.send(self.server.answer(found[1], headers, body))
            else:
                self.server.asked.append((body["method"], headers, body))
                peer.send(_result(body))

    def part(self) -> None:
        """Load is over: the sessions are closed."""
        closing = gevent.spawn(self.engine.part)
        self.to(25.0)
        assert closing.ready()

    @property
    def sessions(self) -> dict[str, int]:
        found: dict[str, int] = self.engine.line()["sessions"]
        return found


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions are opened without a pause between them: nothing waits for real time here."""
    monkeypatch.setattr(engines, "OPENING_RATE", float("inf"))


@pytest.fixture
def rigs() -> Iterator[list[Talking]]:
    made: list[Talking] = []
    yield made
    for rig in made:
        rig.engine.close()
        rig.endpoint.close()


def begun(rigs: list[Talking], persona: str, version: str, reopen_within: float = 0.0, **job: Any) -> Talking:
    rig = Talking(persona, version, reopen_within, **job)
    rigs.append(rig)
    rig.engine.take_share(0, 1, START, float("-inf"))
    return rig


@pytest.mark.parametrize("persona", PERSONAS)
def test_every_persona_works_in_a_session(rigs: list[Talking], persona: str) -> None:
    rig = begun(rigs, persona, LEGACY)
    rig.to(20.0)
    assert rig.balanced()["ok"] == COUNT
    assert rig.sessions == {"opened": ACCOUNTS, "lost": 0, "reopened": 0, "closed": 0}
    for method, headers, _ in rig.server.asked:
        carried = (b"mcp-session-id" in headers, headers.get(b"mcp-protocol-version"))
        assert carried == ((False, None) if method == "initialize" else (True, LEGACY.encode()))
    rig.part()
    assert rig.sessions["closed"] == ACCOUNTS
    assert not rig.server.open


def test_a_visitor_has_a_session_of_its_own_for_each_call(rigs: list[Talking]) -> None:
    rig = begun(rigs, "visitor", LEGACY)
    rig.to(20.0)
    line = rig.balanced()
    assert (line["ok"], line["extra"]) == (COUNT, 2 * ACCOUNTS + 3 * COUNT)
    assert rig.sessions == {"opened": ACCOUNTS + COUNT, "lost": 0, "reopened": 0, "closed": COUNT}
    called = [headers[b"mcp-session-id"] for method, headers, _ in rig.server.asked if method == "tools/list"]
    assert len(set(called)) == COUNT
    rig.part()
    assert not rig.server.open


@pytest.mark.parametrize("persona", [*PERSONAS, "visitor"])
def test_every_persona_works_without_sessions(rigs: list[Talking], persona: str) -> None:
    for version in (MODERN, NONE):
        rig = begun(rigs, persona, version)
        rig.to(20.0)
        assert rig.balanced()["ok"] == COUNT
        assert not any(rig.sessions.values())
        for method, headers, body in rig.server.asked:
            said = headers.get(b"mcp-protocol-version"), headers.get(b"mcp-method")
            assert said == ((MODERN.encode(), method.encode()) if version == MODERN else (None, None))
            assert ("_meta" in body.get("params", {})) is (version == MODERN)
        rig.part()
        assert not any(rig.sessions.values())


def test_a_restart_costs_each_account_a_call_and_a_session(rigs: list[Talking]) -> None:
    rig = begun(rigs, "caller", LEGACY)
    rig.to(4.0)
    rig.server.restart()
    rig.to(20.0)
    line = rig.balanced()
    assert (line["failed"], line["ok"]) == (ACCOUNTS, COUNT - ACCOUNTS)
    assert rig.sessions == {"opened": ACCOUNTS, "lost": ACCOUNTS, "reopened": ACCOUNTS, "closed": 0}
    assert line["extra"] == 2 * 2 * ACCOUNTS


@pytest.mark.parametrize(("persona", "unmade"), [("caller", INITIALIZE), ("visitor", CLOSE)])
def test_a_session_that_max_rps_leaves_no_room_for_is_asked_for_again(
    rigs: list[Talking], persona: str, unmade: int
) -> None:
    rig = begun(rigs, persona, LEGACY, max_rps=float(RATE))
    if persona == "caller":
        rig.to(1.0)
        rig.server.restart()
    rig.to(20.0)
    rig.balanced()
    lost = rig.samples()[rig.samples()["reason"] == REASON_CODE[NO_ROOM]]
    assert set(lost["outcome"].tolist()) == {Outcome.DROPPED}
    assert set(lost["tool"].tolist()) == {unmade}
    assert Counter(lost["account"].tolist()) == dict.fromkeys(range(ACCOUNTS), 2)
    clients = rig.engine._clients.values()
    assert not any(one.session is None or one.session.opening for one in clients)


def test_a_visitor_whose_next_session_was_refused_gets_one_later(rigs: list[Talking]) -> None:
    rig = begun(rigs, "visitor", LEGACY)
    rig.to(4.0)
    opened = rig.server.opened
    rig.server.refuses = True
    rig.to(6.0)
    rig.server.refuses = False
    rig.to(20.0)
    assert rig.server.opened > opened + ACCOUNTS
    calls = rig.samples()[rig.samples()["index"] >= 0]
    assert calls["status"][-ACCOUNTS:].tolist() == [200] * ACCOUNTS


def test_accounts_that_wait_apart_before_they_open_anew_are_no_storm(rigs: list[Talking]) -> None:
    rig = begun(rigs, "caller", LEGACY, reopen_within=3600.0)
    rig.to(4.0)
    rig.server.restart()
    rig.to(20.0)
    assert (rig.sessions["lost"], rig.sessions["reopened"]) == (ACCOUNTS, 1)  # the first does not wait


def test_how_long_they_wait_at_most_is_the_scenarios() -> None:
    for name, seconds in (("session-storm", 0.0), ("session-storm-jitter", 10.0)):
        assert [one.reopen_within for one in group_behaviours(load(name))] == [seconds]


def test_a_stopped_run_opens_nothing_anew(rigs: list[Talking]) -> None:
    rig = begun(rigs, "caller", LEGACY)
    rig.to(4.0)
    rig.server.restart()
    rig.engine.stop()
    before = rig.server.opened
    rig.to(20.0)
    assert rig.server.opened == before


@pytest.mark.parametrize("drained", [False, True])
def test_after_a_stop_there_is_little_time_to_close_sessions(
    rigs: list[Talking], monkeypatch: pytest.MonkeyPatch, drained: bool
) -> None:
    rig = begun(rigs, "caller", LEGACY)
    rig.to(4.0)
    monkeypatch.setattr(rig, "_serve", lambda peer, data: None)  # it answers nobody
    rig.engine.stop(drained=drained)
    closing = gevent.spawn(rig.engine.part)
    rig.to(6.0)
    assert closing.ready() is not drained
    rig.to(15.0)
    assert closing.ready()


def test_an_agent_lists_the_tools_within_its_session(rigs: list[Talking]) -> None:
    rig = begun(rigs, "agent", LEGACY)
    rig.to(0.0)
    methods = [method for method, _, _ in rig.server.asked]
    assert sorted(set(methods)) == ["initialize", "notifications/initialized", "tools/list"]
    assert rig.balanced()["extra"] == 3 * ACCOUNTS
