"""A run as one trace: what is in it, from when to when, and that it is the same however often it is made."""

from __future__ import annotations

from typing import Any

from telemetry.otlp.run_trace import MOST_EVENTS, SpanLine, spans
from telemetry.points.point import DataPoint, RunPoints
from telemetry.points.spans import run_spans
from telemetry.recording import trace_ids
from telemetry.run_folder.lines import Event
from telemetry.run_folder.verdict_file import PointAnswer, VerdictArrivals, VerdictFile
from tests.support.manifest import manifest

HALF = "00112233aabbccdd"
START = 1_700_000_000
ANSWERS = (
    PointAnswer(id="P1.7", question="How fast?", value=24.1, unit="ms", status="pass"),
    PointAnswer(id="P1.8", question="How many errors?", value=None, status="info"),
)
STALL = {"number": 0, "target": "notion"}


def verdicts(verdict: Any = "pass") -> VerdictFile:
    return VerdictFile(
        scenario="burst", started="", target="t", protections=(), stop_reason="completed",
        arrivals=VerdictArrivals(planned=10, sent=10, ok=9, failed=1), points=ANSWERS, verdict=verdict,
        response_ms={"p95": 24.1},
    )  # fmt: skip


def points(events: list[Event], t_end: float = 20.0, **told: Any) -> list[DataPoint]:
    verdict = told.pop("verdict", "pass")
    about = manifest(start_wall=float(START), trace=HALF, **told)
    return list(run_spans(RunPoints(about), about, events, t_end, verdicts(verdict)))


def trace(*events: Event, **told: Any) -> list[SpanLine]:
    return list(spans(points(list(events), **told)))


def seconds(span: SpanLine) -> tuple[float, float]:
    return span.start / 1e9 - START, span.end / 1e9 - START


def test_the_run_is_the_first_span_and_tells_the_verdict() -> None:
    (whole,) = trace()
    assert (whole.name, whole.parent_id, whole.trace_id) == ("run burst", "", trace_ids.run_trace(HALF))
    assert seconds(whole) == (0.0, 20.0)
    told = {"verdict": "pass", "sent": 10, "failed": 1, "response_p95_ms": 24.1, "points_passed": 1}
    assert told.items() <= whole.attributes.items()
    assert {"run": "r", "scenario": "s", "target": "t"}.items() <= whole.attributes.items()
    assert whole.status == "ok"
    assert [(one.name, one.attributes.get("value")) for one in whole.events] == [
        ("point P1.7", 24.1), ("point P1.8", None),
    ]  # fmt: skip


def test_a_verdict_that_failed_is_an_error_and_one_that_says_nothing_is_neither() -> None:
    found = {name: trace(verdict=name)[0] for name in ("fail", "invalid", "inconclusive")}
    assert {name: one.status for name, one in found.items()} == {
        "fail": "error", "invalid": "", "inconclusive": "",
    }  # fmt: skip
    assert found["fail"].said == "verdict fail"


def test_a_fault_lasts_from_its_begin_to_its_end_whatever_it_is_for() -> None:
    begins = Event(5.0, "fault", "upstream-stall", {"state": "begins", "at": 5.0, **STALL})
    ends = Event(9.0, "fault", "upstream-stall", {"state": "ends", "at": 9.0, "observed": 4, **STALL})
    whole, fault = trace(begins, ends)
    assert (fault.name, fault.parent_id, fault.trace_id) == (
        "upstream-stall", whole.span_id, whole.trace_id,
    )  # fmt: skip
    assert seconds(fault) == (5.0, 9.0)
    told = {"kind": "fault", "observed": 4, "aimed_at": "notion", "target": "t", "at": 5.0}
    assert told.items() <= fault.attributes.items()


def test_two_of_one_kind_are_two_and_what_does_not_end_lasts_to_the_end() -> None:
    first = Event(5.0, "fault", "db-down", {"state": "begins", "number": 0})
    second = Event(6.0, "fault", "db-down", {"state": "begins", "number": 1})
    ends = Event(7.0, "fault", "db-down", {"state": "ends", "number": 1})
    stuck = Event(8.0, "fault", "db-down", {"state": "not ended", "number": 0, "error": "no answer"})
    found = {one.attributes["number"]: one for one in trace(first, second, ends, stuck)[1:]}
    assert {number: seconds(one) for number, one in found.items()} == {0: (5.0, 20.0), 1: (6.0, 7.0)}
    assert found[0].attributes["error"] == "no answer"
    assert seconds(trace(first)[1]) == (5.0, 20.0)


def test_what_was_lifted_after_the_load_makes_the_run_no_shorter_than_it() -> None:
    begins = Event(5.0, "fault", "db-down", {"state": "begins", "number": 0})
    whole, fault = trace(begins, Event(21.5, "fault", "db-down", {"state": "ends", "number": 0}))
    assert seconds(whole)[1] == seconds(fault)[1] == 21.5


def test_instants_are_events_of_the_run() -> None:
    whole, *parts = trace(
        Event(3.0, "state", "lb", {"from": "primary", "to": "split", "why": {"n": 1}, "none": None}),
        Event(1.0, "fault", "db-down", {"state": "refused", "number": 0, "error": "no"}),
    )
    assert parts == []
    one, two, *_ = whole.events
    assert (one.name, one.attributes["error"], one.t / 1e9 - START) == ("db-down", "no", 1.0)
    assert (two.name, two.attributes["to"], two.attributes["why"]) == ("lb", "split", '{"n": 1}')
    assert "none" not in two.attributes


def test_phases_go_as_far_as_the_run_came() -> None:
    phases = [
        {"name": "calm", "start": 0, "end": 5}, {"name": "storm", "start": 5, "end": 30},
        {"name": "after", "start": 30, "end": 40},
    ]  # fmt: skip
    found = trace(scenario={"name": "s", "phases": phases})[1:]
    assert [(one.name, *seconds(one)) for one in found] == [("calm", 0.0, 5.0), ("storm", 5.0, 20.0)]


def test_the_same_run_gives_the_same_trace_and_no_two_spans_one_id() -> None:
    phases = [{"name": "one", "start": 0, "end": 5}, {"name": "one", "start": 5, "end": 9}]
    found = trace(scenario={"name": "s", "phases": phases})
    assert found == trace(scenario={"name": "s", "phases": phases})
    assert len({one.span_id for one in found}) == 3


def test_a_run_whose_calls_were_traced_says_how_their_traces_begin() -> None:
    assert trace(target={"name": "t", "trace": True})[0].attributes["traces_begin"] == HALF
    assert "traces_begin" not in trace()[0].attributes


def test_an_older_run_has_a_trace_of_its_own() -> None:
    about = manifest(start_wall=float(START))
    (whole,) = spans(run_spans(RunPoints(about), about, [], 20.0, verdicts()))
    assert len(bytes.fromhex(whole.trace_id)) == 16
    assert whole.trace_id != trace()[0].trace_id


def test_no_part_is_sent_without_its_whole() -> None:
    assert list(spans(points([])[1:])) == []


def test_a_flood_of_events_is_cut_and_counted() -> None:
    many = [Event(1.0, "state", "edge", {"n": n}) for n in range(MOST_EVENTS + 3)]
    (whole,) = trace(*many)
    assert (len(whole.events), whole.more_events) == (MOST_EVENTS, 3 + len(ANSWERS))
