"""Builds the real parts into `.cache/`: `make real`, or `python -m fakes.build.real_parts`.

The origin in Go: its modules are downloaded into `.cache/go/`, held against `go.sum`, and built; what is
built already of the same sources is left as it is. The engine of the Worker: `fakes.edge_worker.install`.
The tools for it: `fakes.build.tools`. Exit code 3 with one line for a part that cannot be had.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from common import exit_codes
from common.paths import ROOT
from fakes.build import tools
from fakes.edge_worker import install
from fakes.stack.programs import ORIGIN

GO_SOURCE: Final = ROOT / "fakes" / "origin_go"
SOURCES: Final = ".sources"  # beside a program: the digest of what it was built of


class BuildError(RuntimeError):
    """A part could not be built, as one line."""


def build_origin() -> str:
    """Build the origin in Go; what was done. Raises BuildError."""
    if is_built(GO_SOURCE, ORIGIN):
        return f"origin in Go: {ORIGIN.relative_to(ROOT)} is up to date"
    build_go(_have("go"), GO_SOURCE, ORIGIN)
    told = hashlib.sha256(ORIGIN.read_bytes()).hexdigest()
    return f"origin in Go: built {ORIGIN.relative_to(ROOT)}, sha256 {told}"


def is_built(source: Path, program: Path) -> bool:
    """Whether the program is there, and of exactly these sources."""
    stamp = program.with_suffix(SOURCES)
    return program.is_file() and stamp.is_file() and stamp.read_text() == digest_of(source)


def build_go(go: str, source: Path, program: Path) -> None:
    """Build a Go program of the module in the folder `source`. Raises BuildError."""
    sources = digest_of(source)
    program.parent.mkdir(parents=True, exist_ok=True)
    partial = program.with_suffix(f".new-{os.getpid()}")
    flags = "-mod=readonly -modcacherw -trimpath -buildvcs=false"
    env = {**os.environ, "GOFLAGS": flags, "GOMODCACHE": str(ROOT / ".cache" / "go"), "CGO_ENABLED": "0"}
    words = [go, "build", "-ldflags=-s -w", "-o", str(partial), "."]
    done = subprocess.run(words, cwd=source, env=env, check=False, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no word"]
        raise BuildError(f"go build failed: {said[-1]}")
    partial.replace(program)
    program.with_suffix(SOURCES).write_text(sources)


def install_workerd() -> str:
    """Have the engine of the Worker; what was done. Raises BuildError."""
    if not install.installed():
        _have("npm")
    try:
        return f"workerd: {install.install(tools.path()).relative_to(ROOT)}"
    except install.InstallError as error:
        raise BuildError(str(error)) from None


def _have(tool: str) -> str:
    try:
        return tools.have(tool)
    except tools.ToolError as error:
        raise BuildError(f"{tool}: {error}") from None


def digest_of(folder: Path) -> str:
    """The digest of all that the build of a Go module reads."""
    found = hashlib.sha256()
    for file in sorted((*folder.glob("*.go"), *folder.glob("go.*"))):
        if not file.name.endswith("_test.go"):
            found.update(file.name.encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def main() -> int:
    """Build every part; gives the exit code."""
    code = exit_codes.PASS
    for build in (build_origin, install_workerd):
        try:
            print(build())
        except BuildError as error:
            print(f"make real: {error}", file=sys.stderr)
            code = exit_codes.OURS
    return code


if __name__ == "__main__":
    sys.exit(main())
