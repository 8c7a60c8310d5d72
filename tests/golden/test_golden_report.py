"""What the verdict files of two made-up runs say, kept as text beside this file.

After a wanted change: UPDATE_GOLDEN=1 python -m pytest tests/golden, then look at the difference.
"""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.support.synthetic_run import Spec, write
from verdicts.output.files import derive

HERE = Path(__file__).parent
SPECS = {
    "pass": Spec(duration=8.0, extra=12),
    "fail": Spec(duration=8.0, workers=("w1", "w2"), fault=(3.0, 5.0, "db_error")),
}


class Text(HTMLParser):
    """Gathers text, a line a piece."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def handle_data(self, data: str) -> None:
        if text := " ".join(data.split()):
            self.lines.append(text)


def text_of(html: str) -> str:
    """What a reader reads: no script, no style, no data tables of plots."""
    html = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
    html = re.sub(r'<div class="scroll"[^>]*aria-label="Data of.*?</div>', "", html, flags=re.DOTALL)
    parser = Text()
    parser.feed(html)
    return "\n".join(parser.lines) + "\n"


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("kind", ["verdicts.json", "report.txt", "junit.xml"])
def test_the_files_are_as_they_were(
    tmp_path: Path, name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # so that the page names the same folder each time
    folder = write(Path(name), SPECS[name])
    derive(folder, quiet=True)
    made = (
        text_of((folder / "report.html").read_text()) if kind == "report.txt" else (folder / kind).read_text()
    )
    golden = HERE / f"{name}-{kind}"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(made)
    assert made == golden.read_text()
