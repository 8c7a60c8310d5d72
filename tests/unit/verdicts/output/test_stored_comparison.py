"""compare.json of another shape, which a cut disk or another program left: one line, and exit code 2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from verdicts import __main__ as verdicts
from verdicts.output.compare_files import FILE

WHOLE: Final[dict[str, Any]] = {
    "schema_version": 1, "verdict": "compared", "sentence": "x", "interleaved": True,
    "command": "make compare", "a": {"what": "A", "runs": ["a/1"]}, "b": {"what": "B", "runs": ["b/1"]},
    "repeated": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "allowed: a JSON object"),
        ("[1]", "list, allowed: a JSON object"),
        ("[" * 100_000, "allowed: a JSON object"),
        (json.dumps({**WHOLE, "schema_version": 7}), "schema_version: 7, allowed: 1"),
        (json.dumps({"schema_version": 1}), "verdict: is missing or wrong, allowed: what bin/compare wrote"),
        (json.dumps({**WHOLE, "verdict": "invalid", "sentence": None}), "sentence: is missing or wrong"),
        (json.dumps({**WHOLE, "a": None}), "TypeError: "),
        (json.dumps({**WHOLE, "b": {}}), "KeyError: 'what', allowed: what bin/compare wrote"),
        (json.dumps({**WHOLE, "repeated": [1]}), "TypeError: "),
        (json.dumps(WHOLE), "a/1: not a folder, allowed: results/<run>"),
    ],
    ids=lambda text: text[:60],
)
def test_another_shape_is_one_line(
    tmp_path: Path, text: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / FILE).write_text(text)
    assert verdicts.main([str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1
    assert not said.out
    assert (tmp_path / FILE).read_text() == text
