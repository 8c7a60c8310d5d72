"""The official conformance suite of MCP, pinned by package-lock.json, installed into .cache/ on first use."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.support import needs
from tests.support.node_package import NodePackage

PACKAGE: Final = NodePackage(Path(__file__).parent, "conformance")
WITHIN: Final = 600.0  # seconds, on a machine that is busy
PATIENT: Final = ("--timeout", "120000")  # milliseconds of one scenario
FAILURE: Final = "FAILURE"
WARNING: Final = "WARNING"  # of what a server should do
ROW: Final = re.compile(r"^\| (`[^|]+`) \| (\S[^|]*) \|$", re.MULTILINE)
RUN: Final = re.compile(r"server-(.+)-\d{4}-\d\d-\d\dT.*")


def installed() -> tuple[str, str]:
    """The words that run the suite; where Node or its packages cannot be had its tests are skipped."""
    node = needs.require("node")
    try:
        PACKAGE.install({**os.environ, "PATH": needs.PATH})
    except (OSError, subprocess.SubprocessError) as error:
        text = f"npm cannot install the official conformance suite: {error}"
        return pytest.fail(text) if needs.everything() else pytest.skip(text)
    return node, str(PACKAGE.modules / "@modelcontextprotocol" / "conformance" / "dist" / "index.js")


async def of_server(url: str, revision: str, out: Path) -> None:
    """Have it try all that a revision requires of the server at `url`; it writes what it finds to `out`."""
    words = ("server", "--url", url, "--requirements", revision, *PATIENT, "-o", str(out))
    process = await asyncio.create_subprocess_exec(*installed(), *words, stdout=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(WITHIN):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()


def held(out: Path, *but: str) -> dict[str, bool]:
    """Each scenario that the suite wrote of → whether none of its checks has one of the statuses `but`."""
    found = {}
    for file in out.rglob("checks.json"):
        name = RUN.fullmatch(file.parent.name)
        assert name is not None, file
        found[name[1]] = all(check["status"] not in but for check in json.loads(file.read_text()))
    return found


def named(text: str) -> set[str]:
    """The scenarios that the tables in a text of a page name, each with its reason."""
    return {name for names, _ in ROW.findall(text) for name in re.findall(r"`([^`]+)`", names)}
