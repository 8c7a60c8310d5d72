"""What could not be observed stands folded below the answers, and still has its place to link to."""

from __future__ import annotations

from pathlib import Path

from tests.support.p0_runs import asked, judged
from verdicts.output import document
from verdicts.report import page


def test_points_without_a_value_are_folded_below_the_table(tmp_path: Path) -> None:
    found = judged(tmp_path, asked({"P0.2": "", "P1.8": "errors <= 5 %"}))
    text = page.render(found, document.build(found))
    table, _, below = text.partition("</table>\n<details>")
    assert '<tr id="P1.8"' in table
    assert 'id="P0.2"' not in table
    assert "<summary>Not observed: P0.2" in below
    assert '<li id="P0.2">' in below
