"""What each tool's file says, read from files that the tools wrote, and of k6 from its documented formats."""

import json
from pathlib import Path
from typing import Any

import pytest

from common.errors import ConfigError
from verdicts.audit.read import read

HERE = Path(__file__).parent
MADE = HERE / "made_by_tools"
FORMATS = HERE / "by_the_format"


def facts(file: Path) -> tuple[str, int, int, int, int]:
    found = read(file)
    return found.tool, found.begun, found.sent, found.dropped, found.unproved


def put(folder: Path, *lines: Any, name: str = "x.json") -> Path:
    (folder / name).write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines) + "\n")
    return folder / name


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("vegeta-clean.json", ("vegeta's report", 200, 200, 0, 0)),
        ("vegeta-clean.results.json", ("vegeta's results", 200, 200, 0, 0)),
        ("locust-clean_stats.csv", ("Locust's stats", 300, 300, 0, 0)),
        ("locust-0-of-40_stats.csv", ("Locust's stats", 0, 0, 0, 0)),
    ],
)
def test_a_file_is_known_by_what_is_in_it(name: str, told: object) -> None:
    assert facts(MADE / name) == told


@pytest.mark.parametrize("form", ["export", "handle"])
def test_both_summaries_of_k6_say_the_same(form: str) -> None:
    assert facts(FORMATS / f"k6-{form}-clean.json") == ("k6's summary", 3000, 3000, 0, 0)


def test_oha_counts_answers() -> None:
    assert facts(FORMATS / "oha-clean.json") == ("oha's report", 600, 600, 0, 0)


def test_k6_tells_what_it_dropped() -> None:
    assert facts(FORMATS / "k6-handle-33-of-500.json") == ("k6's summary", 990, 990, 14_010, 0)


def test_failed_requests_of_k6_have_no_answer_that_is_proved(tmp_path: Path) -> None:
    metrics = {"http_reqs": {"count": 200}, "iterations": {"count": 100}, "http_req_failed": {"value": 0.25}}
    assert facts(put(tmp_path, {"metrics": metrics})) == ("k6's summary", 100, 200, 0, 50)


def test_lines_of_k6_are_counted_and_tell_when_each_iteration_began(tmp_path: Path) -> None:
    def point(metric: str, second: float, value: float, **tags: str) -> dict[str, Any]:
        time = f"2026-01-01T00:00:{second:09.6f}+01:00"
        return {"type": "Point", "metric": metric, "data": {"time": time, "value": value, "tags": tags}}

    lines = [{"type": "Metric", "metric": "http_reqs", "data": {"name": "http_reqs", "type": "counter"}}]
    for number in (1, 0, 2):
        lines.append(point("http_reqs", number + 0.5, 1, status="200" if number else "0"))
        lines.append(point("iterations", number + 0.5, 1))
        lines.append(point("iteration_duration", number + 0.5, 500))
    lines.append(point("dropped_iterations", 3, 7))
    found = read(put(tmp_path, *lines))
    assert (found.tool, found.sent, found.begun, found.dropped, found.unproved) == (
        "k6's --out json",
        3,
        3,
        7,
        1,
    )
    assert found.starts is not None
    assert (found.starts - found.starts[0]).tolist() == pytest.approx([0, 1, 2])
    assert found.length_s == pytest.approx(2)


def test_requests_of_vegeta_without_an_answer_have_the_status_0(tmp_path: Path) -> None:
    told = {"requests": 10, "duration": 900_000_000, "status_codes": {"0": 4, "200": 6}}
    assert facts(put(tmp_path, told)) == ("vegeta's report", 10, 10, 0, 4)


def test_oha_counts_what_it_cut_off_at_the_end_as_sent_without_an_answer(tmp_path: Path) -> None:
    told = {
        "summary": {},
        "statusCodeDistribution": {"200": 90, "429": 8},
        "errorDistribution": {"aborted due to deadline": 2},
    }
    assert facts(put(tmp_path, told)) == ("oha's report", 100, 100, 0, 2)


def test_a_failure_of_locusts_that_was_an_answer_is_told_by_the_file_beside(tmp_path: Path) -> None:
    head = "Type,Name,Request Count,Failure Count"
    stats = put(tmp_path, head, "GET,/,100,30", ",Aggregated,100,30", name="x_stats.csv")
    assert facts(stats) == ("Locust's stats", 100, 100, 0, 30)
    errors = ("GET,/,\"HTTPError('429 Client Error')\",20", 'GET,/,"ConnectionRefusedError(111)",10')
    put(tmp_path, "Method,Name,Error,Occurrences", *errors, name="x_failures.csv")
    assert facts(stats) == ("Locust's stats", 100, 100, 0, 10)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is of no tool that is known"),
        ("{}", "is JSON of no tool that is known"),
        ("{", "Input data was truncated"),
        ("Method,Name,Error,Occurrences", "is of no tool that is known"),
        ("Type,Name,Request Count,Failure Count", "Aggregated: there is no such row"),
        (
            "Type,Name,Request Count,Failure Count\n,Aggregated,many,0",
            "Request Count: 'many', allowed: a whole",
        ),
        ("Type,Name,Request Count,Failure Count\n,Aggregated", "Request Count: '', allowed: a whole"),
        ('{"metrics": {"http_reqs": {"count": "3"}}}', "Expected `float | null`, got `str`"),
        ('{"requests": 3, "status_codes": {}}', "missing required field `duration`"),
        (
            '{"seq": 0, "code": 200, "timestamp": "2026-01-01T00:00:00Z"}\n{"seq": 1}',
            "missing required field `code`",
        ),
        ("\x00\xff", "is of no tool that is known"),
    ],
)
def test_what_no_tool_wrote_is_refused_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x").write_text(text, encoding="latin-1")
    with pytest.raises(ConfigError) as refused:
        read(tmp_path / "x")
    assert words in str(refused.value)
    assert "allowed: " in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read(tmp_path / "x")
