"""The official conformance suite against the whole stack, fakes and real parts, in both eras (docs/mcp.md).

What fails is exactly what the page names, with its reason.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
import pytest

from common.paths import ROOT
from fakes.settings import StackSettings
from fakes.stack.handle import StackHandle
from fakes.stack.start import start_stack
from tests.support import real_parts
from tests.support.conformance import suite
from tests.support.conformance.relay import relay

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
ECHO: Final = {"module": "fast", "tool": "echo"}
SETTINGS: Final[dict[str, Any]] = {
    "upstreams": {
        "fast": {"echo": {"mean": 0.01}},
        "odd": {"fails": {"mean": 0.01, "error_share": 1.0}, "slow": {"mean": 0.25}},
    },
    "mcp": {
        "sessions": "memory",
        "sse": 1,
        "progress": 0.05,
        "tools": {
            "test_simple_text": ECHO,
            "test_logging_tool": ECHO,
            "test_custom_header": {**ECHO, "headers": {"region": "Region"}},
            "test_error_handling": {"module": "odd", "tool": "fails"},
            "test_tool_with_progress": {"module": "odd", "tool": "slow"},
            "test_missing_capability": {**ECHO, "requires": ["sampling"]},
            "test_streaming_elicitation": {**ECHO, "asks": "user_name"},
            "test_input_required_result_elicitation": {**ECHO, "asks": "user_name"},
        },
    },
}


def named_failures() -> set[str]:
    """The scenarios that docs/mcp.md says fail."""
    page = (ROOT / "docs" / "mcp.md").read_text().partition("## Conformance")[2].partition("## Our client")[0]
    return suite.named(page)


@pytest.fixture(scope="module", params=["fakes", "real"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackHandle]:
    suite.installed()
    settings: dict[str, Any] = dict(SETTINGS)
    if request.param == "real":
        real_parts.worker()
        real_parts.build()
        settings["parts"] = {"edge": "real", "origin": "real", "nano": "unlimited"}
    log = tmp_path_factory.mktemp("stack") / "log"
    handle = start_stack(StackSettings.model_validate(settings), [], log)
    yield handle
    handle.stop()


def bearer(stack: StackHandle) -> bytes:
    now, signing = int(time.time()), stack.signing
    claims = {"iss": signing.issuer, "sub": "suite", "iat": now, "exp": now + 600, "tier": "unlimited"}
    token = jwt.encode(claims, signing.key, signing.algorithm, {"kid": signing.kid})
    return b"Authorization: Bearer " + token.encode()


async def outcomes(stack: StackHandle, revision: str, out: Path) -> dict[str, bool]:
    """Each scenario that ran → whether all of its checks held."""
    address = urlsplit(stack.base_url)
    async with relay(str(address.hostname), address.port or 80, bearer(stack)) as port:
        await suite.of_server(f"http://127.0.0.1:{port}/v1/mcp", revision, out)
    return suite.held(out, suite.FAILURE)


@pytest.mark.parametrize(
    ("revision", "must"),
    [
        (
            "2026-07-28",
            {"server-stateless", "http-header-validation", "http-custom-header-server-validation"},
        ),
        ("2025-11-25", {"server-session-lifecycle", "dns-rebinding-protection", "server-initialize"}),
    ],
)
async def test_what_fails_is_what_the_page_names(
    stack: StackHandle, revision: str, must: set[str], tmp_path: Path
) -> None:
    ran = await outcomes(stack, revision, tmp_path)
    assert must <= {name for name, held in ran.items() if held}
    failed = {name for name, held in ran.items() if not held}
    assert failed == named_failures() & ran.keys()
