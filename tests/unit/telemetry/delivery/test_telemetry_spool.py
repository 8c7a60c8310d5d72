"""The spool and its sender, with a database that does anything."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.delivery import spool as spool_module
from telemetry.delivery.sender import LONGEST_WAIT, Sender, deliver
from telemetry.delivery.sink import NEVER, WriteReply, WriteResult
from telemetry.delivery.spool import REFUSED, BusyError, Spool, abandoned

TAKEN, LATER = WriteReply(WriteResult.TAKEN), WriteReply(WriteResult.LATER, 503, "full")


class Database:
    """Takes every line, unless `answers` says otherwise."""

    name = "InfluxDB"
    most = spool_module.SEGMENT

    def __init__(self, *answers: WriteReply, bad: str = "", most: int = 10**9) -> None:
        self.lines: list[str] = []
        self._answers, self._bad, self._most = deque(answers), bad, most

    def write(self, lines: Sequence[str], timeout: float | None = None) -> WriteReply:
        if self._answers:
            reply = self._answers.popleft()
            if reply.answer is not WriteResult.TAKEN:
                return reply
        if len(lines) > self._most:
            return WriteReply(WriteResult.TOO_LARGE, 413)
        if self._bad in lines:
            self.lines += [line for line in lines if line != self._bad]
            return WriteReply(WriteResult.BAD_POINTS, 400, "partial write: field type conflict")
        self.lines += lines
        return TAKEN


def test_lines_come_back_in_order_and_go_when_acknowledged(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "q")
    spool.append(["a", "b"])
    spool.append(["c"])
    assert spool.points == 3
    head = spool.head()
    assert [line for segment in head for line in segment.lines()] == ["a", "b", "c"]
    spool.acknowledge(head)
    assert spool.points == 0
    assert spool.head() == []
    spool.close()
    assert not (tmp_path / "q").exists()


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r"])
def test_a_line_may_hold_what_unicode_takes_for_its_end(tmp_path: Path, end: str) -> None:
    spool, lines = Spool(tmp_path / "q"), [f'{{"a":"b{end}c"}}', "next"]
    spool.append(lines)
    (segment,) = spool.head()
    assert segment.lines() == lines
    spool.close()


def test_a_head_is_no_larger_than_asked(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "q")
    for _ in range(3):
        spool.append(["x"] * 4)
    assert [one.points for one in spool.head(9)] == [4, 4]
    assert [one.points for one in spool.head(1)] == [4]
    spool.close()


def test_a_long_append_is_cut_into_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT", 3)
    spool = Spool(tmp_path / "q")
    spool.append([str(n) for n in range(7)])
    assert [one.points for one in spool.head(100)] == [3, 3, 1]
    spool.close()


def test_what_was_left_is_there_for_the_next(tmp_path: Path) -> None:
    first = Spool(tmp_path / "place" / "old")
    first.append(["a"])
    first.close()
    Spool(tmp_path / "place" / "empty").close()
    (again,) = list(abandoned(tmp_path / "place"))
    again.append(["b"])
    assert [line for segment in again.head() for line in segment.lines()] == ["a", "b"]
    again.close()


def test_a_queue_in_use_is_nobody_elses(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "place" / "q")
    spool.append(["a"])
    assert list(abandoned(tmp_path / "place")) == []
    with pytest.raises(BusyError):
        Spool(tmp_path / "place" / "q")
    spool.close()


def test_a_torn_segment_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "000000001-5.tmp").write_text("half a li")
    spool = Spool(tmp_path / "q")
    assert spool.points == 0
    spool.close()


def test_what_finds_no_room_is_counted(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "q", max_bytes=10)
    spool.append(["12345678"])
    spool.append(["x", "y"])
    assert (spool.points, spool.dropped) == (1, 2)
    spool.close()


def test_a_full_disk_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path / "q")

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    spool.append(["a", "b"])
    assert (spool.points, spool.dropped) == (0, 2)
    spool.close()


def test_nothing_leaves_the_spool_before_it_is_taken(tmp_path: Path) -> None:
    spool, database = Spool(tmp_path / "q"), Database(LATER)
    spool.append(["a"])
    assert deliver(database, spool) == (LATER, 0)
    assert spool.points == 1
    assert deliver(database, spool)[1] == 1
    assert deliver(database, spool) == (None, 0)
    spool.close()


def test_a_bad_point_is_put_aside_and_the_rest_is_sent(tmp_path: Path) -> None:
    spool, database = Spool(tmp_path / "q"), Database(bad="bad")
    spool.append(["a", "b", "bad", "c", "d"])
    reply, taken = deliver(database, spool)
    assert reply is not None
    assert (taken, spool.dropped, spool.points) == (4, 1, 0)
    assert set(database.lines) == {"a", "b", "c", "d"}
    assert (tmp_path / "q" / REFUSED).read_text() == "bad\n"
    spool.close()
    assert (tmp_path / "q" / REFUSED).exists()


def test_what_the_database_has_already_is_counted_apart(tmp_path: Path) -> None:
    spool, held = Spool(tmp_path / "q"), WriteReply(WriteResult.HELD, 400, "out of order")
    spool.append(["a", "b"])
    database = Database(held, TAKEN, held)  # both; then "a" alone; then "b" alone
    assert deliver(database, spool)[1] == 1
    assert (spool.held, spool.dropped, spool.points) == (1, 0, 0)
    assert not (tmp_path / "q" / REFUSED).exists()
    spool.close()


def test_a_request_that_is_refused_as_a_whole_is_tried_in_no_part(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "q")
    spool.append(["a", "b"])
    spool.append(["c"])
    database = Database(WriteReply(WriteResult.REFUSED, 500, "never"))
    database.most = 1
    assert deliver(database, spool)[1] == 0
    assert (spool.dropped, database.lines) == (2, [])
    assert (tmp_path / "q" / REFUSED).read_text() == "a\nb\n"
    assert deliver(database, spool)[1] == 1  # what comes after it is sent
    spool.close()


def test_points_of_a_request_that_was_taken_may_be_rejected_without_a_name(tmp_path: Path) -> None:
    class Choosy(Database):
        def write(self, lines: Sequence[str], timeout: float | None = None) -> WriteReply:
            return WriteReply(WriteResult.TAKEN, 200, "out of bounds", rejected=2)

    spool = Spool(tmp_path / "q")
    spool.append(["a", "b", "c"])
    assert deliver(Choosy(), spool)[1] == 1
    assert (spool.dropped, spool.points) == (2, 0)
    assert "2 points of a request that was taken: out of bounds" in (tmp_path / "q" / REFUSED).read_text()
    spool.close()


def test_a_sink_that_takes_a_batch_at_a_time_gets_no_two(tmp_path: Path) -> None:
    spool, database = Spool(tmp_path / "q"), Database()
    database.most = 1
    spool.append(["a", "b"])
    spool.append(["c"])
    assert [deliver(database, spool)[1] for _ in range(2)] == [2, 1]
    spool.close()


def test_a_batch_that_is_too_large_is_halved(tmp_path: Path) -> None:
    spool, database = Spool(tmp_path / "q"), Database(most=3)
    spool.append([str(n) for n in range(10)])
    assert deliver(database, spool)[1] == 10
    assert database.lines == [str(n) for n in range(10)]
    spool.close()


def test_a_database_that_fails_in_the_middle_keeps_the_whole_batch(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "q")
    spool.append(["a", "bad", "c", "d"])
    database = Database(
        WriteReply(WriteResult.BAD_POINTS, 400), WriteReply(WriteResult.BAD_POINTS, 400), LATER, bad="bad"
    )
    assert deliver(database, spool) == (LATER, 0)
    assert (spool.points, spool.dropped) == (4, 0)
    assert deliver(database, spool)[1] == 3
    spool.close()


@settings(max_examples=50)
@given(
    batches=st.lists(st.integers(1, 5), min_size=1, max_size=10),
    answers=st.lists(st.sampled_from([TAKEN, LATER]), max_size=30),
)
def test_every_line_arrives_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int], answers: list[WriteReply]
) -> None:
    spool, database = Spool(tmp_path_factory.mktemp("spool") / "q"), Database(*answers)
    sent: list[str] = []
    for size in batches:
        lines = [str(len(sent) + n) for n in range(size)]
        spool.append(lines)
        sent += lines
        deliver(database, spool)
    for _ in range(len(answers) + 1):
        while deliver(database, spool)[1]:
            pass
    assert database.lines == sent
    spool.close()


def sender(database: Database, spool: Spool, say: Callable[[str], None], *old: Spool) -> Sender:
    return Sender(database, spool, iter(old), say)


def test_the_sender_replays_what_an_earlier_run_left(tmp_path: Path) -> None:
    own, old = Spool(tmp_path / "own"), Spool(tmp_path / "old")
    own.append(["new"])
    old.append(["a", "b"])
    database = Database()
    found = sender(database, own, lambda text: None, old)
    assert found._send_all() == 0.0
    assert database.lines == ["new", "a", "b"]
    assert (found.written, found.replayed) == (1, 2)
    assert not (tmp_path / "old").exists()
    own.close()


def test_the_sender_says_once_that_the_database_is_gone_and_once_that_it_is_back(tmp_path: Path) -> None:
    own, told = Spool(tmp_path / "own"), list[str]()
    own.append(["a"])
    found = sender(Database(LATER, LATER), own, told.append)
    waits = []
    for _ in range(3):
        found._wait = found._send_all()
        waits.append(found._wait)
    assert waits == [0.5, 1.0, 0.0]
    assert told == [
        "InfluxDB takes no points (HTTP 503 full); they are kept on disk and sent later",
        "InfluxDB takes points again",
    ]
    own.close()


def test_a_line_of_another_shape_is_put_aside_and_the_rest_is_sent(tmp_path: Path) -> None:
    class Strict(Database):
        def write(self, lines: Sequence[str], timeout: float | None = None) -> WriteReply:
            for line in lines:
                msgspec.json.decode(line)
            return super().write(lines, timeout)

    spool, database = Spool(tmp_path / "q"), Strict()
    spool.append(["1", '{"torn', "2"])
    assert deliver(database, spool)[1] == 2
    assert (database.lines, spool.dropped, spool.points) == (["1", "2"], 1, 0)
    assert (tmp_path / "q" / REFUSED).read_text() == '{"torn\n'
    spool.close()


def test_a_fault_of_ours_is_said_and_the_sender_goes_on(tmp_path: Path) -> None:
    class Faulty(Database):
        faults = 1

        def write(self, lines: Sequence[str], timeout: float | None = None) -> WriteReply:
            if self.faults:
                self.faults -= 1
                raise RuntimeError("broken")
            return super().write(lines, timeout)

    own, told, database = Spool(tmp_path / "own"), list[str](), Faulty()
    own.append(["a"])
    found = sender(database, own, told.append)
    assert [found._try(), found._try()] == [0.5, 0.0]
    assert database.lines == ["a"]
    assert "a fault of this suite, RuntimeError: broken" in told[0]
    assert told[1] == "InfluxDB takes points again"
    own.close()


def test_the_wait_grows_to_a_bound_and_obeys_the_server(tmp_path: Path) -> None:
    own = Spool(tmp_path / "own")
    own.append(["a"])
    found = sender(
        Database(*[LATER] * 20, WriteReply(WriteResult.LATER, 429, "", 17.0)), own, lambda text: None
    )
    for _ in range(20):
        found._wait = found._send_all()
    assert found._wait == LONGEST_WAIT
    assert found._send_all() == 17.0
    own.close()


def test_a_server_that_will_not_have_us_is_asked_once_and_the_points_stay(tmp_path: Path) -> None:
    own, told = Spool(tmp_path / "own"), list[str]()
    own.append(["a"])
    database = Database(WriteReply(WriteResult.LATER, 401, "who?", NEVER))
    found = sender(database, own, told.append)
    found._wake.set()
    found._run()  # ends by itself
    assert (database.lines, own.points, own.dropped) == ([], 1, 0)
    (said,) = told
    assert said.endswith("takes no points (HTTP 401 who?); they are kept on disk and make flush sends them")
    own.close()


def test_finishing_sends_the_rest_and_ends(tmp_path: Path) -> None:
    own, database = Spool(tmp_path / "own"), Database()
    found = sender(database, own, lambda text: None)
    found.start()
    own.append(["a"])
    found.finish(60.0)
    assert database.lines == ["a"]
    own.close()
