"""The client that the official conformance suite starts: a short attack on the URL that it gives.

    CLIENT_TOOLS='[{"name": "add", "arguments": {"a": 5}}]' python -m tests.support.conformance.client URL

Each tool is called by a group of one account; without tools load is `tools/list`. Its exit code is that of
the attacks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from common.paths import ROOT

ROLES: Final = ("fast", "slow")


def tools() -> list[dict[str, Any]]:
    """Those that the test names, or the suite itself, in its context."""
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
    named: list[dict[str, Any]] = context.get("toolCalls") or json.loads(
        os.environ.get("CLIENT_TOOLS") or "[]"
    )
    return named


def attack(address: str, called: Sequence[dict[str, Any]]) -> int:
    """Two seconds of at most two tools, or of `tools/list`; the exit code."""
    url, roles = urlsplit(address), dict(zip(ROLES, called, strict=False))
    target: dict[str, Any] = {
        "name": "conformance",
        "base_url": f"{url.scheme}://{url.netloc}",
        "path": url.path or "/",
    }
    target |= {"protocol": "auto", **({"tools": roles} if roles else {"tool": None})}
    groups = [
        {
            "name": role,
            "accounts": {"count": 1},
            "rate": 1,
            "answers_input": True,
            "tools": [{"module": "fast", "tool": "echo", "role": role}],
        }
        for role in roles or ("fast",)
    ]
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        scenario = {"title": "conformance", "duration": "2s", "groups": groups, "points": []}
        for name, content in (("target", target), ("scenario", scenario)):
            (Path(folder) / f"{name}.yaml").write_text(yaml.safe_dump(content))
        words = [f"{folder}/scenario.yaml", "--target", f"{folder}/target.yaml", "--out", f"{folder}/run"]
        return subprocess.run([str(ROOT / "bin" / "attack"), *words], cwd=ROOT, check=False).returncode


def main(address: str) -> int:
    """All tools, two at a time; the worst exit code."""
    called = tools()
    pairs = [called[place : place + 2] for place in range(0, len(called), 2)] or [called]
    return max(attack(address, pair) for pair in pairs)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
