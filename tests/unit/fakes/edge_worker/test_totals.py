from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fakes.edge_worker import totals

SERIES = {
    'mcpist_refused_total{reason="burst_exceeded"}': 3.0,
    "mcpist_in_flight": 2.0,
    'mcpist_request_duration_seconds_bucket{le="0.1"}': 1.0,
    'mcpist_request_duration_seconds_bucket{le="+Inf"}': 2.0,
    "mcpist_request_duration_seconds_count": 2.0,
    "mcpist_request_duration_seconds_sum": 0.1,
    "mcpist_worker_request_cpu_seconds_sum": 0.002,
    "mcpist_worker_request_cpu_seconds_count": 2.0,
}


def test_isolates_are_summed_series_by_series() -> None:
    assert totals.added([{"a": 1.0, "b": 2.0}, {"b": 3.0}, {}]) == {"a": 1.0, "b": 5.0}


def test_the_text_is_what_prometheus_reads() -> None:
    families = {
        family.name: family for family in text_string_to_metric_families(totals.text(SERIES).decode())
    }
    samples = {
        sample.name + (str(sample.labels) if sample.labels else ""): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert samples["mcpist_refused_total{'reason': 'burst_exceeded'}"] == 3
    assert samples["mcpist_request_duration_seconds_sum"] == 0.1
    assert families["mcpist_refused"].type == "counter"
    assert families["mcpist_in_flight"].type == "gauge"
    assert families["mcpist_request_duration_seconds"].type == "histogram"
    assert families["mcpist_worker_request_cpu_seconds"].type == "summary"


def test_a_series_that_nobody_described_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="surprise"):
        totals.text({"surprise_total": 1.0})
