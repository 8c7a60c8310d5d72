"""The lease of a worker: how long it may go on without a word of the master, and how it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from telemetry.recording.journal import FINAL
from tests.support.manual_clock import ManualClock
from users.cluster import performer as module
from users.cluster.performer import Performer, RefusalError


class StubEngine:
    """Writes down what it is told; `outlets` is what the performer gave it."""

    def __init__(self, job: Any, outlets: Any, clock: ManualClock, watch: Any) -> None:
        self.outlets = outlets
        self.start_at = float("nan")
        self.untils: list[float] = []
        self.left: list[float] = []
        self.shares: list[float] = []
        self.closed = False

    def take_share(self, rank: int, of: int, start_at: float, from_t: float) -> None:
        self.start_at = start_at
        self.shares.append(from_t)

    def extend(self, until: float) -> None:
        self.untils.append(until)

    def leave(self, at: float) -> dict[str, Any]:
        self.left.append(at)
        return {"left": at - self.start_at}

    def close(self) -> dict[str, Any]:
        self.closed = True
        return {}


class Rig:
    """A worker with a lease of four seconds, prepared and planned at 10 s."""

    def __init__(self, lease: float = 4.0) -> None:
        self.clock = ManualClock(10.0)
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.performer = Performer(
            lambda kind, data: self.said.append((kind, data)),
            lambda data: (None, []),  # type: ignore[arg-type,return-value]
            clock=self.clock,
            lease=lease,
        )
        self.tell("load.prepare", run="run")
        self.engine: Any = self.performer.engine

    def tell(self, kind: str, **data: Any) -> None:
        self.performer.handlers()[kind](data)

    def share(self, now: float = 10.0) -> None:
        self.deal(float("-inf"), now=now)

    def deal(self, *from_t: float, now: float) -> None:
        """Its share, by the deals that begin then."""
        deals = [{"rank": 0, "of": 2, "from_t": one} for one in from_t]
        self.tell("load.share", start_at=13.0, now=now, deals=deals)

    def say(self, at: float) -> None:
        """A ledger line, put at `at`."""
        self.clock.now = at
        self.engine.outlets.ledger({"t": at})

    def entries(self, kind: str) -> list[Any]:
        return [data["data"] for told, data in self.said if told == "load.entry" and data["kind"] == kind]


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setattr(module, "Engine", StubEngine)
    made = Rig()
    yield made
    made.performer.close()


def test_the_lease_begins_when_the_share_was_sent_not_when_it_came(rig: Rig) -> None:
    rig.clock.now = 12.5
    rig.share(now=10.0)
    assert rig.engine.untils == [14.0]


def test_an_acknowledgement_counts_from_when_its_entry_was_put(rig: Rig) -> None:
    rig.share()
    rig.say(11.0)
    rig.say(12.0)
    rig.clock.now = 13.5
    rig.tell("load.ack", run="run", number=2, deals=1, lost=False)
    assert rig.engine.untils[-1] == 16.0


def test_stale_news_do_not_renew_a_lease(rig: Rig) -> None:
    """A process that was frozen finds an old acknowledgement when it wakes up."""
    rig.share()
    rig.say(11.0)
    rig.say(13.9)
    rig.tell("load.ack", run="run", number=1, deals=1, lost=False)
    assert rig.engine.untils[-1] == 15.0
    rig.clock.now = 14.9
    rig.deal(float("-inf"), 70.0, now=10.5)
    assert rig.engine.untils[-1] == 15.0


@pytest.mark.parametrize("news", ["acknowledgement", "share"])
def test_a_lease_that_is_over_is_not_renewed(rig: Rig, news: str) -> None:
    """The dispatcher has left what came after it to others, before anybody looked at the lease."""
    rig.share()
    rig.say(11.0)
    engine = rig.engine
    rig.clock.now = 14.0
    if news == "share":
        rig.deal(float("-inf"), 70.0, now=13.9)
    else:
        rig.tell("load.ack", run="run", number=1, deals=1, lost=False)
    assert engine.untils == [14.0]
    assert engine.left == [14.0]
    assert rig.performer.engine is None


def test_a_share_that_comes_twice_or_late_is_taken_once(rig: Rig) -> None:
    rig.share()
    rig.deal(float("-inf"), 20.0, now=11.0)
    rig.share()
    rig.deal(float("-inf"), 20.0, now=13.0)
    assert rig.engine.shares == [float("-inf"), 20.0]
    assert rig.engine.untils == [14.0, 15.0]


def test_a_deal_that_was_missed_comes_with_the_next(rig: Rig) -> None:
    """It counts up to that one: without it two workers, or none, would send what is planned between."""
    rig.share()
    rig.deal(float("-inf"), 20.0, 20.5, now=11.0)
    assert rig.engine.shares == [float("-inf"), 20.0, 20.5]
    rig.say(12.0)
    rig.tell("load.ack", run="run", number=1, deals=3, lost=False)
    assert rig.performer.engine is rig.engine


def test_who_was_given_up_leaves_at_once_and_says_so(rig: Rig) -> None:
    rig.share()
    rig.say(11.0)
    rig.clock.now = 13.2
    rig.tell("load.ack", run="run", number=1, deals=1, lost=True)
    assert rig.engine.left == [13.2]
    assert rig.entries(FINAL) == [{"left": pytest.approx(0.2)}]
    assert rig.performer.engine is None


def test_the_last_word_is_resent_although_all_before_it_had_arrived(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing an engine takes time, in which everything else may be acknowledged."""
    rig.share()
    rig.say(11.0)
    leave = rig.engine.leave

    def slow(at: float) -> dict[str, Any]:
        rig.tell("load.ack", run="run", number=1, deals=1, lost=False)
        line: dict[str, Any] = leave(at)
        return line

    monkeypatch.setattr(rig.engine, "leave", slow)
    rig.performer.leave("it is told to end")
    assert rig.performer._background
    rig.tell("load.ack", run="run", number=2, deals=1, lost=False)
    assert not rig.performer._background


def test_who_leaves_late_left_when_the_lease_was_over(rig: Rig) -> None:
    rig.share()
    rig.clock.now = 40.0
    rig.performer.leave("nothing was heard")
    assert rig.engine.left == [14.0]


def test_who_finds_its_lease_over_when_the_run_ends_says_so(rig: Rig) -> None:
    """A process that stood still hears of the end first; what it left to others was nobody's."""
    rig.clock.now = 20.0
    rig.share(now=10.0)
    engine = rig.engine
    rig.tell("load.finish")
    assert engine.left == [14.0]
    assert rig.entries(FINAL) == [{"left": pytest.approx(1.0)}]


def test_who_has_no_share_leaves_without_a_word(rig: Rig) -> None:
    rig.performer.leave("it is told to end")
    assert rig.engine.closed
    assert rig.entries(FINAL) == []
    rig.performer.leave("again")


def test_a_single_process_has_no_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Engine", StubEngine)
    rig = Rig(lease=float("inf"))
    rig.share()
    assert set(rig.engine.untils) == {float("inf")}
    rig.performer.close()


def test_a_refusal_is_answered_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    said: list[Any] = []

    def refuse(data: dict[str, Any]) -> Any:
        raise RefusalError("is version 2")

    performer = Performer(lambda kind, data: said.append((kind, data)), refuse)
    performer.handlers()["load.prepare"]({"run": "run"})
    assert said == [("load.prepared", {"run": "run", "error": "is version 2"})]
    assert "this worker refuses: is version 2" in caplog.text


def test_a_late_worker_logs_it(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.tell("load.late", run="other")
    assert "came after run other had begun" in caplog.text


def test_who_missed_a_deal_leaves(rig: Rig) -> None:
    rig.share()
    rig.say(11.0)
    rig.tell("load.ack", run="run", number=1, deals=2, lost=False)
    assert rig.performer.engine is None
    assert len(rig.entries(FINAL)) == 1
