from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from telemetry.probing.exposition import ExpositionError, key, renamed, values
from telemetry.probing.target_log import parse_labels

LABEL = st.text(st.characters(codec="utf-8", exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"))
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(st.dictionaries(st.tuples(LABEL, LABEL), FINITE, min_size=1, max_size=5))
def test_what_the_library_writes_is_read_back(samples: dict[tuple[str, str], float]) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("g", "a gauge", ["b", "a"], registry=registry)
    for labels, value in samples.items():
        gauge.labels(*labels).set(value)
    found = values(generate_latest(registry).decode())
    assert found == {key("g", {"b": b, "a": a}): value for (b, a), value in samples.items()}


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), LABEL, min_size=1))
def test_a_key_tells_its_labels(labels: dict[str, str]) -> None:
    assert parse_labels(key("name", labels)) == labels


def test_labels_are_sorted_and_escaped() -> None:
    assert key("n", {"z": 'a"b\\c\nd', "a": "1"}) == 'n{a="1",z="a\\"b\\\\c\\nd"}'
    assert key("n", {}) == "n"


def test_a_histogram_is_its_series() -> None:
    registry = CollectorRegistry()
    Histogram("h", "a histogram", registry=registry, buckets=(1.0, 2.0)).observe(1.5)
    found = values(generate_latest(registry).decode())
    assert found['h_bucket{le="1.0"}'] == 0
    assert found['h_bucket{le="2.0"}'] == found['h_bucket{le="+Inf"}'] == found["h_count"] == 1
    assert found["h_sum"] == 1.5


def test_values_that_are_not_finite_are_left_out() -> None:
    assert values("a NaN\nb +Inf\nc -Inf\nd 1\n") == {"d": 1.0}


def test_values_of_any_size_are_numbers() -> None:
    assert values("a 1e300\nb -0.5\nc 123456789012\n") == {"a": 1e300, "b": -0.5, "c": 123456789012.0}


def test_a_timestamp_is_not_the_value() -> None:
    assert values("a 7 1700000000000\n") == {"a": 7.0}


GARBAGE = [
    "",
    "\n",
    "# only a comment",
    "<html><body>no</body></html>",
    '{"json": 1}',
    "a",
    "a b",
    'a{x="1 2',
    "\0",
]


@pytest.mark.parametrize("text", GARBAGE)
def test_garbage_is_one_line(text: str) -> None:
    with pytest.raises(ExpositionError, match=r"^not Prometheus text: .+") as raised:
        values(text)
    assert "\n" not in str(raised.value)


@given(st.text())
def test_any_text_gives_numbers_or_that_error(text: str) -> None:
    try:
        found = values(text)
    except ExpositionError:
        return
    assert all(math.isfinite(value) for value in found.values())


def test_names_are_mapped() -> None:
    registry = CollectorRegistry()
    Counter("http_requests", "requests", ["code"], registry=registry).labels("200").inc(3)
    Histogram("http_seconds", "durations", registry=registry, buckets=(1.0,)).observe(2)
    Gauge("other", "other", registry=registry).set(1)
    names = {
        "http_requests_total": "mcpist_requests_total",
        "http_seconds": "mcpist_request_duration_seconds",
    }
    found = values(generate_latest(registry).decode(), names)
    assert found['mcpist_requests_total{code="200"}'] == 3
    assert found["mcpist_request_duration_seconds_sum"] == 2
    assert found["other"] == 1
    assert {name for name in found if name.startswith("http")} <= {'http_requests_created{code="200"}'}


def test_a_counter_without_total_is_mapped_by_its_own_name() -> None:
    assert values("# TYPE hits counter\nhits 4\n", {"hits": "mcpist_rate_limit_hits_total"}) == {
        "mcpist_rate_limit_hits_total": 4.0
    }
    assert renamed("hits", {}) == "hits"
