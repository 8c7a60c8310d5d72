"""The official conformance suite against the suite's own MCP server, in both eras (docs/assistant.md).

What it finds is exactly what the page names, each with the reason why it does not apply.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from common.paths import ROOT
from tests.support.assistant_process import serving
from tests.support.conformance import suite

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
SERVER: Final = (sys.executable, "-m", "tests.support.conformance.assistant_server")
BOTH: Final = {
    "tools-list", "resources-list", "resources-read-text", "resources-templates-read", "prompts-list",
    "tools-call-simple-text", "tools-call-error", "tools-call-with-progress", "dns-rebinding-protection",
    "server-sse-multiple-streams",
}  # fmt: skip
MUST: Final = {
    "2025-11-25": {"server-initialize", "server-session-lifecycle", "ping", "tools-call-elicitation"},
    "2026-07-28": {
        "server-stateless", "caching", "http-header-validation", "sep-2164-resource-not-found",
        "input-required-result-request-state", "input-required-result-result-type",
        "input-required-result-tampered-state", "input-required-result-missing-input-response",
        "input-required-result-validate-input", "input-required-result-unsupported-methods",
    },
}  # fmt: skip


def not_applying() -> set[str]:
    """The scenarios that docs/assistant.md says do not apply to this server."""
    return suite.named((ROOT / "docs" / "assistant.md").read_text().partition("## Held to the protocol")[2])


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    suite.installed()
    with serving(SERVER) as found:
        yield found


@pytest.mark.parametrize("revision", MUST)
async def test_what_applies_holds(url: str, revision: str, tmp_path: Path) -> None:
    await suite.of_server(url, revision, tmp_path)
    ran = suite.held(tmp_path, suite.FAILURE, suite.WARNING)
    assert BOTH | MUST[revision] <= {name for name, held in ran.items() if held}
    found = {name for name, held in ran.items() if not held}
    assert found == not_applying() & ran.keys()
