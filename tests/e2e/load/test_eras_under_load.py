"""Load in both eras on the bundled stack: sessions are opened and closed, modern requests are taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.short_run import ShortRun

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("kept", ["memory", "shared"])
@pytest.mark.parametrize("protocol", ["2025-11-25", "2026-07-28"])
def test_both_eras_of_the_bundled_stack(tmp_path: Path, protocol: str, kept: str) -> None:
    changes: dict[str, Any] = {
        "duration": "4s", "accounts": {"count": 5}, "rate": 2, "protocol": protocol,
        "stack": {"mcp": {"sessions": kept}},
        "tools": [{"module": "fast", "tool": "echo", "params": {"text": "hi"}}],
    }  # fmt: skip
    found = ShortRun(tmp_path, "agent-loop", counts=False, **changes).found
    assert found["arrivals"]["ok"] == found["arrivals"]["planned"] == 40, found["failures"]
    own = {"opened": 5, "lost": 0, "reopened": 0, "closed": 5}
    assert found["sessions"] == (own if protocol == "2025-11-25" else {})
