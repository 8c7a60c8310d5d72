"""Line protocol, point by point."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from influxdb_client.client.write import point as library

from telemetry.influx.line_protocol import line as encoded
from telemetry.points.point import DataPoint, Field, RunPoints
from tests.support.manifest import manifest

MANIFEST: dict[str, Any] = {
    "run": "r1", "scenario": {"name": "burst"}, "target": {"name": "bundled"}, "protections": ["b", "a"],
    "start_wall": 1_700_000_000.25,
}  # fmt: skip


def line(measurement: str, tags: Mapping[str, str], fields: Mapping[str, Field], time_ns: int) -> str:
    return encoded(DataPoint(measurement, tags, fields, time_ns))


# What InfluxDB's own library cannot carry through unchanged is left out: it writes a line's end as it is.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"a": 1}, "a=1i"),
        ({"a": 1.5}, "a=1.5"),
        ({"a": True, "b": False}, "a=true,b=false"),
        ({"a": 'say "x\\y"'}, r'a="say \"x\\y\""'),
        ({"a": None, "b": 2}, "b=2i"),
        ({"a": math.nan, "b": math.inf, "c": 0.0}, "c=0.0"),
        ({"a": -0.001}, "a=-0.001"),
        ({"a": "two\nlines"}, 'a="two lines"'),
    ],
)
def test_fields(fields: dict[str, Any], text: str) -> None:
    assert line("m", {}, fields, 5) == f"m {text} 5"


def test_a_point_without_a_value_is_none() -> None:
    assert line("m", {"a": "b"}, {"x": None, "y": math.nan}, 5) == ""


def test_tags_are_sorted_and_empty_ones_left_out() -> None:
    assert line("m", {"b": "2", "a": "1", "c": ""}, {"x": 1}, 5) == "m,a=1,b=2 x=1i 5"


@pytest.mark.parametrize(
    ("value", "text"), [("a b", r"a\ b"), ("a,b=c", r"a\,b\=c"), ("a\nb", r"a\ b"), ("end\\", "end\\\\ ")]
)
def test_tags_are_escaped(value: str, text: str) -> None:
    assert line("m", {"k": value}, {"x": 1}, 5) == f"m,k={text} x=1i 5"


@given(tag=TEXT, number=st.integers(-(2**63), 2**63 - 1), text=TEXT, time=st.integers(0, 2**62))
def test_it_is_what_the_clients_library_writes(tag: str, number: int, text: str, time: int) -> None:
    if tag.endswith("\\"):
        return  # both part it from what follows, by different blanks
    point: Any = library.Point  # the library is untyped
    made = point("m").tag("k", tag).field("n", number).field("t", text).time(time)
    assert line("m", {"k": tag}, {"n": number, "t": text}, time) == made.to_line_protocol()


def test_a_runs_points_carry_its_tags_and_time() -> None:
    made = encoded(RunPoints(manifest(**MANIFEST)).make("m", {"worker": "w0"}, {"x": 1}, 1.5))
    head = "m,protections=a+b,run=r1,scenario=burst,target=bundled,worker=w0"
    assert made == f"{head} x=1i 1700000001750000000"


def test_points_that_share_all_else_are_parted_by_place() -> None:
    points = RunPoints(manifest(**MANIFEST))
    assert encoded(points.make("m", {}, {"x": 1}, 1.0, place=7)).endswith("250000007")


@pytest.mark.parametrize(
    ("part", "tag"),
    [
        ({"preset": "today"}, "today"),
        ({"protections": []}, "none"),
        ({"bundled": False, "protections": []}, "unknown"),
    ],
)
def test_the_tag_of_the_protections(part: dict[str, Any], tag: str) -> None:
    assert RunPoints(manifest(**{**MANIFEST, **part})).tags["protections"] == tag
