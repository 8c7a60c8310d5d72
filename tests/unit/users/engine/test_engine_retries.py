"""Repeats under the whole engine: they hold no arrival up, the ledger still balances, a stop ends them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from telemetry.recording.sample import NO_ROOM, REASON_CODE, Flag, Outcome, of_intent
from tests.unit.users.engine.test_engine import COUNT, RATE, START, Rig
from users.engine.job import GroupBehaviour
from users.mcp.operations import LIST_TOOLS


def made(**options: Any) -> Rig:
    rig = Rig(behaviour=GroupBehaviour("agent", (LIST_TOOLS,), options))
    rig.answering = True
    rig.engine.take_share(0, 1, START, float("-inf"))
    return rig


def ended(rig: Rig) -> dict[str, Any]:
    line = rig.engine.close()
    rig.endpoint.close()
    return line


def test_every_refused_intent_is_asked_again_and_arrivals_keep_their_instants() -> None:
    rig = made(preset="naive", retries=2)
    rig.to(-0.5)
    rig.status = b"503 Unavailable"
    rig.to(20.0)
    line = rig.balanced()
    assert (line["planned"], line["sent"], line["failed"], line["late"]) == (COUNT, COUNT, COUNT, 0)
    assert line["retries"] == 2 * COUNT
    assert line["extra"] == 2 * COUNT + 4  # and each of four accounts looks around
    samples = rig.samples()
    again = samples[samples["flags"] & Flag.RETRY != 0]
    assert Counter(of_intent(index) for index in again["index"].tolist()) == dict.fromkeys(range(COUNT), 2)
    assert sorted(set(again["attempt"].tolist())) == [1, 2]
    ended(rig)


def test_a_stop_ends_all_repeats() -> None:
    rig = made(retry_on=["timeout"], retries=50, wait="none", deadline=60)
    rig.to(-0.5)
    rig.answering = False
    rig.to(8.0)
    rig.engine.stop()
    out = rig.engine.line()["retries"]
    assert out > 0
    rig.to(30.0)
    line = ended(rig)
    assert (line["retries"], line["in_flight"]) == (out, 0)
    samples = rig.samples()
    assert (samples["outcome"] == Outcome.ABORTED).any()


def test_a_repeat_that_max_rps_leaves_no_room_for_ends_its_intent_and_is_recorded() -> None:
    behaviour = GroupBehaviour("agent", (LIST_TOOLS,), {"preset": "naive", "retries": 2})
    rig = Rig(behaviour=behaviour, max_rps=float(RATE))
    rig.engine.take_share(0, 1, START, float("-inf"))
    rig.to(-0.5)
    rig.status = b"503 Unavailable"
    rig.to(30.0)
    line = rig.balanced()
    assert (line["failed"], line["retries"], line["finished"]) == (COUNT, 0, True)
    samples = rig.samples()
    lost = samples[samples["reason"] == REASON_CODE[NO_ROOM]]
    assert set(lost["outcome"].tolist()) == {Outcome.DROPPED}
    assert set(lost["flags"].tolist()) == {Flag.EXTRA | Flag.RETRY}
    assert Counter(of_intent(index) for index in lost["index"].tolist()) == dict.fromkeys(range(COUNT), 1)
    ended(rig)
