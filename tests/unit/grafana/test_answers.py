"""Prometheus' answers in the shape that the pictures draw."""

from __future__ import annotations

from typing import Any

import pytest

from grafana.answers import PromSource

VALUES = {"run": "r"}


class Answering(PromSource):
    """Gives one result to whatever it is asked, and remembers that."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__("http://127.0.0.1:9")
        self._result = result
        self.asked: list[dict[str, Any]] = []

    def _query(self, kind: str, **form: Any) -> Any:
        self.asked.append({"kind": kind, **form})
        return [self._result]


def test_a_line_is_named_by_its_labels_and_has_gaps_where_there_is_no_number() -> None:
    source = Answering({"metric": {"tool": "echo"}, "values": [[1.0, "2"], [2.0, "NaN"]]})
    (found,) = source.ask(
        {"expr": 'x{run=~"$run"}', "legendFormat": "{{tool}} {{gone}}"}, VALUES, (0, 240_000)
    )
    assert found["legend"].strip() == "echo"
    assert found["values"] == [[1000.0, 2.0], [2000.0, None]]
    assert source.asked == [
        {"kind": "query_range", "query": 'x{run=~"r"}', "start": 0.0, "end": 240.0, "step": 2}
    ]


@pytest.mark.parametrize(
    ("expr", "columns", "values"),
    [
        ("max(x)", ["time", "sent"], [5000.0, 1.0]),
        ("max(resilience_verdict_info{})", ["time", "verdict"], [5000.0, "pass"]),
    ],
)
def test_a_number_is_a_column_and_of_words_the_labels_are(
    expr: str, columns: list[str], values: list[Any]
) -> None:
    source = Answering({"metric": {"verdict": "pass"}, "value": [5.0, "1"]})
    (found,) = source.ask({"expr": expr, "legendFormat": "sent", "instant": True}, VALUES, (0, 5000))
    assert (found["columns"], found["values"]) == (columns, [values])
    assert source.asked[0]["time"] == 5.0


def test_faults_are_at_the_time_that_is_their_value() -> None:
    source = Answering({"metric": {"title": "stall"}, "value": [90.0, "61500"]})
    (found,) = source.faults(VALUES, (0, 90_000))
    assert found.timestamp() == 61.5
    assert "[90s]" in source.asked[0]["query"]
