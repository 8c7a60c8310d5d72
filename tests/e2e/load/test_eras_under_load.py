"""Load in both eras on the bundled stack: sessions are opened and closed, modern requests are taken."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.paths import ROOT

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("kept", ["memory", "shared"])
@pytest.mark.parametrize("protocol", ["2025-11-25", "2026-07-28"])
def test_both_eras_of_the_bundled_stack(tmp_path: Path, protocol: str, kept: str) -> None:
    scenario: dict[str, Any] = {
        "extends": "agent-loop", "title": "Both eras", "duration": "4s", "accounts": {"count": 5}, "rate": 2,
        "protocol": protocol, "stack": {"mcp": {"sessions": kept}},
        "tools": [{"module": "fast", "tool": "echo", "params": {"text": "hi"}}],
    }  # fmt: skip
    (tmp_path / "eras.yaml").write_text(yaml.safe_dump(scenario))
    command = [str(ROOT / "bin" / "attack"), str(tmp_path / "eras.yaml"), "--out", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, cwd=ROOT)
    assert (tmp_path / "run" / "verdicts.json").exists(), done.stdout + done.stderr
    found = json.loads((tmp_path / "run" / "verdicts.json").read_text())
    assert found["arrivals"]["ok"] == found["arrivals"]["planned"] == 40, found["failures"]
    own = {"opened": 5, "lost": 0, "reopened": 0, "closed": 5}
    assert found["sessions"] == (own if protocol == "2025-11-25" else {})
