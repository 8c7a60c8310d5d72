"""What the page and the text of a made-up plan say, kept as text beside this file, in both languages.

After a wanted change: UPDATE_GOLDEN=1 python -m pytest tests/golden, then look at the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.golden.test_golden_report import text_of
from tests.support import plan_folder
from verdicts.plan import files

HERE = Path(__file__).parent


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("kind", ["plan.md", "plan.txt"])
def test_the_files_are_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, kind: str
) -> None:
    monkeypatch.setenv("LANG_REPORT", language)
    folder = plan_folder.whole(tmp_path / "plan")
    assert files.derive(folder, quiet=True) == 3
    made = (folder / kind).read_text() if kind == "plan.md" else text_of((folder / "plan.html").read_text())
    golden = HERE / f"{language}-{kind}"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(made)
    assert made == golden.read_text()
