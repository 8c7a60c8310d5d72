from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest

from fakes.http.metrics import Metrics

BOUNDS = (0.01, 0.1, 1.0)
AMOUNTS = st.lists(st.sampled_from((0.0, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.0)) | st.floats(0, 5))


def lines(text: bytes, name: str) -> list[str]:
    """What a scrape tells of one metric, its help and type included."""
    return [line for line in text.decode().splitlines() if name in line]


@given(AMOUNTS, AMOUNTS)
def test_a_histogram_tells_what_the_librarys_own_tells(ones: list[float], others: list[float]) -> None:
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry, metrics = CollectorRegistry(), Metrics()
    theirs = Histogram("h_seconds", "Text.", ("a", "b"), registry=registry, buckets=BOUNDS)
    ours = metrics.histogram("h_seconds", "Text.", BOUNDS, "a", "b")
    for values, amounts in ((("x", "y"), ones), (('q"\\', "z\n"), others)):
        for amount in amounts:
            theirs.labels(*values).observe(amount)
            ours(*values).observe(amount)
    assert lines(metrics.text(), "h_seconds") == lines(generate_latest(registry), "h_seconds")


@given(AMOUNTS)
def test_a_counter_tells_what_the_librarys_own_tells(amounts: list[float]) -> None:
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry, metrics = CollectorRegistry(), Metrics()
    theirs = Counter("c_total", "Text.", ("a",), registry=registry)
    ours = metrics.counter("c_total", "Text.", "a")
    for amount in amounts:
        theirs.labels("x").inc(amount)
        ours("x").inc(amount)
    assert lines(metrics.text(), "c_total") == lines(generate_latest(registry), "c_total")


def test_without_labels_a_metric_is_there_before_it_counts() -> None:
    metrics = Metrics()
    metrics.counter("c_total", "Text.")
    metrics.histogram("h_seconds", "Text.", BOUNDS)
    assert metrics.registry.get_sample_value("c_total") == 0
    assert metrics.registry.get_sample_value("h_seconds_bucket", {"le": "+Inf"}) == 0


def test_reset_zeroes_counters_and_histograms_and_leaves_gauges() -> None:
    metrics = Metrics()
    counter, gauge = metrics.counter("c_total", "Text.", "a"), metrics.gauge("g", "Text.", "a")
    histogram = metrics.histogram("h_seconds", "Text.", BOUNDS)
    kept = counter("x")
    kept.inc(3)
    gauge("x").set(4)
    histogram().observe(0.5)
    metrics.reset()
    kept.inc()
    assert metrics.registry.get_sample_value("c_total", {"a": "x"}) == 1
    assert metrics.registry.get_sample_value("g", {"a": "x"}) == 4
    assert metrics.registry.get_sample_value("h_seconds_count") == 0
    assert metrics.registry.get_sample_value("h_seconds_sum") == 0


def test_a_child_is_kept_and_has_as_many_values_as_labels() -> None:
    metrics = Metrics()
    counter, gauge = metrics.counter("c_total", "Text.", "a"), metrics.gauge("g", "Text.", "a")
    assert counter("x") is counter("x")
    assert gauge("x") is gauge("x")
    with pytest.raises(ValueError, match="no values of"):
        counter("x", "y")


def test_a_name_is_taken_once() -> None:
    metrics = Metrics()
    metrics.counter("c_total", "Text.")
    with pytest.raises(ValueError, match="Duplicated"):
        metrics.histogram("c_total", "Text.", BOUNDS)


def test_threads_lose_no_count() -> None:
    metrics = Metrics()
    counter, histogram = metrics.counter("c_total", "Text."), metrics.histogram("h_seconds", "Text.", BOUNDS)

    def count(_: int) -> None:
        for _ in range(20_000):
            counter().inc()
            histogram().observe(0.5)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(4)))
    assert metrics.registry.get_sample_value("c_total") == 80_000
    assert metrics.registry.get_sample_value("h_seconds_sum") == 40_000
    assert metrics.registry.get_sample_value("h_seconds_bucket", {"le": "1.0"}) == 80_000
