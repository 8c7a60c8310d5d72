from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fakes.control.state import ControlError
from fakes.http.hop import HopConnectError, HopTimeout
from fakes.settings import StackSettings
from fakes.stack.control_plane import ControlPlane, ProcessClient


class FakePeer(ProcessClient):
    """Remembers what it was told; `mood`: obeys, is gone, or refuses."""

    def __init__(self, name: str, *faults: str) -> None:
        super().__init__(name, ("127.0.0.1", 1), "token")
        self.known_faults = frozenset(faults)
        self.mood = "obeys"
        self.told: dict[str, Any] = {}

    async def ask(
        self, command: str, body: Mapping[str, Any] | None = None, timeout_s: float = 1.0
    ) -> dict[str, Any]:
        if self.mood == "gone":
            raise HopConnectError("gone")
        if self.mood == "busy":
            raise HopTimeout("busy")
        if self.mood == "refuses" and body and body.get("faults"):
            raise ControlError(f"{self.name}: no")
        self.told[command] = body
        return {"known_faults": ["learned"], "effects": {"fault-1": 3}}

    def faults(self) -> list[str]:
        return [fault["fault"] for fault in self.told["faults"]["faults"]]


class RecordingExecutor:
    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self.stuck: set[str] = set()

    async def begin(self, fault: Mapping[str, Any]) -> None:
        if fault.get("target") == "nobody":
            raise ControlError("process: unknown")
        self.done.append(("begin", fault["target"]))

    def observed(self, fault: Mapping[str, Any]) -> int:
        return 7

    async def end(self, fault: Mapping[str, Any]) -> None:
        if fault["target"] in self.stuck:
            raise ControlError(f"process: {fault['target']} does not come back")
        self.done.append(("end", fault["target"]))


class Rig:
    def __init__(self) -> None:
        self.a, self.b = FakePeer("origin-a", "db-hold"), FakePeer("origin-b", "db-hold")
        self.upstream, self.executor = FakePeer("upstream", "stall"), RecordingExecutor()
        peers = {peer.name: peer for peer in (self.a, self.b, self.upstream)}
        self.control_plane = ControlPlane(StackSettings(), ("timeout",), peers, self.executor)


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_protections_go_to_everyone(rig: Rig) -> None:
    await rig.control_plane.put_protections(["breaker", "rate-limit"])
    assert rig.control_plane.protections == ("rate-limit", "breaker")
    for peer in (rig.a, rig.b, rig.upstream):
        assert peer.told["protections"] == {"names": ("rate-limit", "breaker")}


@pytest.mark.parametrize("names", [None, "breaker", ["moat"], [1], ["breaker", "breaker"]])
async def test_bad_protections_change_nothing(rig: Rig, names: object) -> None:
    with pytest.raises(ControlError, match="allowed"):
        await rig.control_plane.put_protections(names)
    assert rig.control_plane.protections == ("timeout",)
    assert rig.a.told == {}


@pytest.mark.parametrize(
    "part",
    [{"edge": {"x": 1}}, {"seed": "x"}, {"ports": {"edge": 1}}, {"database": {"dsn": "d"}},
     {"database": {"max_connections": 5}}],
)  # fmt: skip
async def test_bad_settings_change_nothing(rig: Rig, part: dict[str, Any]) -> None:
    with pytest.raises(ControlError, match=r"^settings: "):
        await rig.control_plane.put_settings(part)
    assert rig.control_plane.settings == StackSettings()
    assert rig.a.told == {}


async def test_settings_are_merged(rig: Rig) -> None:
    await rig.control_plane.put_settings({"database": {"pool_size": 3}})
    await rig.control_plane.put_settings({"database": {"acquire_timeout": 1}})
    assert rig.control_plane.settings.database.pool_size == 3
    assert rig.control_plane.settings.database.acquire_timeout == 1


async def test_a_fault_goes_to_those_that_know_it(rig: Rig) -> None:
    await rig.control_plane.add_fault({"fault": "db-hold"})
    assert rig.a.faults() == rig.b.faults() == ["db-hold"]
    assert rig.upstream.told == {}


async def test_a_fault_at_a_process_goes_there_alone(rig: Rig) -> None:
    await rig.control_plane.add_fault({"fault": "db-hold", "target": "origin-b"})
    assert rig.b.faults() == ["db-hold"]
    assert "faults" not in rig.a.told


@pytest.mark.parametrize("fault", [{"fault": "rain"}, {}, {"fault": "stall", "target": "origin-a"}])
async def test_an_unknown_fault_is_refused(rig: Rig, fault: dict[str, Any]) -> None:
    with pytest.raises(
        ControlError,
        match=r"unknown fault .*allowed: db-hold, db-idle-transaction, db-row-lock, process-down",
    ):
        await rig.control_plane.add_fault(fault)
    assert rig.control_plane.faults == []


async def test_a_fault_that_one_process_refuses_is_taken_back_from_all(rig: Rig) -> None:
    rig.b.mood = "refuses"
    with pytest.raises(ControlError, match="origin-b: no"):
        await rig.control_plane.add_fault({"fault": "db-hold"})
    assert rig.control_plane.faults == []
    assert rig.a.faults() == []


async def test_faults_are_cleared_by_id_or_all(rig: Rig) -> None:
    first = await rig.control_plane.add_fault({"fault": "db-hold"})
    await rig.control_plane.add_fault({"fault": "stall", "id": "mine"})
    await rig.control_plane.clear_fault(first)
    assert rig.a.faults() == []
    assert rig.upstream.faults() == ["stall"]
    await rig.control_plane.clear_faults()
    assert rig.upstream.faults() == []


@pytest.mark.parametrize("fault", [{"fault": "process-frozen", "target": "origin-a"}, {"fault": "stall"}])
async def test_the_end_of_a_fault_waits_for_nobody_who_had_it_not(rig: Rig, fault: dict[str, Any]) -> None:
    """A frozen process gives no answer, and goes on only once its fault has ended."""
    made = await rig.control_plane.add_fault(fault)
    rig.a.told.clear()
    await rig.control_plane.clear_fault(made)
    assert rig.a.told == {}
    assert rig.control_plane.stale == set()


async def test_ids_are_known_and_used_once(rig: Rig) -> None:
    await rig.control_plane.add_fault({"fault": "stall", "id": "mine"})
    with pytest.raises(ControlError, match="'mine' is in force"):
        await rig.control_plane.add_fault({"fault": "db-hold", "id": "mine"})
    with pytest.raises(ControlError, match="unknown id 'yours'; allowed: mine"):
        await rig.control_plane.clear_fault("yours")


async def test_the_supervisors_own_faults_are_carried_out_by_it(rig: Rig) -> None:
    fault = await rig.control_plane.add_fault({"fault": "process-down", "target": "origin-a"})
    assert rig.executor.done == [("begin", "origin-a")]
    await rig.control_plane.clear_fault(fault)
    assert rig.executor.done[-1] == ("end", "origin-a")
    with pytest.raises(ControlError, match="process: unknown"):
        await rig.control_plane.add_fault({"fault": "process-down", "target": "nobody"})
    assert rig.control_plane.faults == []


async def test_one_that_was_down_catches_up_with_everything(rig: Rig) -> None:
    rig.a.mood = "gone"
    await rig.control_plane.put_protections(["breaker"])
    await rig.control_plane.put_settings({"seed": 9})
    await rig.control_plane.add_fault({"fault": "db-hold"})
    assert rig.control_plane.stale == {"origin-a"}
    await rig.control_plane.catch_up("origin-a")
    assert rig.control_plane.stale == {"origin-a"}  # it is still gone
    rig.a.mood = "obeys"
    await rig.control_plane.catch_up("origin-a")
    assert rig.control_plane.stale == set()
    assert rig.a.told["protections"] == {"names": ("breaker",)}
    assert rig.a.told["settings"]["seed"] == 9
    assert rig.a.faults() == ["db-hold"]


async def test_a_fault_that_ends_tells_how_often_its_owners_saw_it(rig: Rig) -> None:
    assert await rig.control_plane.clear_fault(await rig.control_plane.add_fault({"fault": "db-hold"})) == 6


async def test_an_owner_that_is_gone_saw_nothing(rig: Rig) -> None:
    fault = await rig.control_plane.add_fault({"fault": "db-hold"})
    rig.b.mood = "gone"
    assert await rig.control_plane.clear_fault(fault) == 3


@pytest.mark.parametrize(("fault", "observed"), [("db-hold", 3), ("stall", None)])
async def test_an_owner_that_is_too_busy_to_say_what_it_saw_saw_not_nothing(
    rig: Rig, fault: str, observed: int | None
) -> None:
    made = await rig.control_plane.add_fault({"fault": fault})
    rig.b.mood = rig.upstream.mood = "busy"
    assert await rig.control_plane.clear_fault(made) == observed


async def test_a_fault_is_lifted_before_anybody_counts(rig: Rig) -> None:
    made = await rig.control_plane.add_fault({"fault": "db-hold"})
    rig.a.told.clear()
    await rig.control_plane.clear_fault(made)
    assert list(rig.a.told) == ["faults"]
    assert rig.a.faults() == []


async def test_a_fault_that_cannot_be_ended_stays_and_holds_up_no_other(rig: Rig) -> None:
    for target in ("origin-a", "upstream"):
        await rig.control_plane.add_fault({"fault": "process-down", "target": target})
    rig.executor.stuck = {"origin-a"}
    with pytest.raises(ControlError, match="origin-a does not come back"):
        await rig.control_plane.clear_faults()
    assert rig.executor.done[-1] == ("end", "upstream")
    assert [fault["target"] for fault in rig.control_plane.faults] == ["origin-a"]
    rig.executor.stuck.clear()
    await rig.control_plane.clear_faults()
    assert rig.control_plane.faults == []


async def test_a_reset_that_was_missed_is_caught_up_with(rig: Rig) -> None:
    rig.a.mood = "gone"
    await rig.control_plane.reset()
    assert rig.control_plane.stale == {"origin-a"}
    rig.a.mood = "obeys"
    await rig.control_plane.catch_up("origin-a")
    assert next(iter(rig.a.told)) == "reset"
    rig.a.told.clear()
    await rig.control_plane.catch_up("origin-a")
    assert "reset" not in rig.a.told


async def test_the_supervisor_looks_at_its_own(rig: Rig) -> None:
    fault = await rig.control_plane.add_fault({"fault": "process-down", "target": "origin-a"})
    assert await rig.control_plane.clear_fault(fault) == 7


async def test_a_peer_tells_which_faults_it_knows(rig: Rig) -> None:
    await rig.control_plane.learn("upstream")
    own = ["db-idle-transaction", "db-row-lock", "process-down", "process-frozen"]
    assert rig.control_plane.allowed_faults() == sorted(["db-hold", "learned", *own])
