"""Puts the `workerd` that the Worker runs in into `.cache/workerd/`: `python fakes/edge_worker/install.py`.

One binary (npm package of Cloudflare, Apache-2.0), pinned by version and by the package's integrity hash as
the registry publishes it. It is fetched by the `npm` client, which heeds the user's own registry and proxy
settings; no Node is needed to run it. Standard library only: it may run before there is an environment.
Exit codes: 0 it is there; 3 it could not be had, told in one line.
"""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

VERSION: Final = "1.20261117.1"
PACKAGES: Final = {
    ("Linux", "x86_64"): (
        "@cloudflare/workerd-linux-64",
        "gZLA8X11m/luZwn+YA3+mDu61vdxNJzpksP/QZqjydKTQ+VUCulsK5gtn9Bqst1p3KJu2kafQpJ1nDQv4B23jA==",
    ),
}
HOME: Final = Path(__file__).resolve().parents[2] / ".cache" / "workerd" / VERSION
BINARY: Final = HOME / "workerd"
MEMBER: Final = "package/bin/workerd"
WITHIN: Final = 300  # seconds


class InstallError(RuntimeError):
    """Why there is no workerd, as one line."""


def installed() -> Path | None:
    """The binary of exactly this version, None if it is not there."""
    return BINARY if BINARY.is_file() else None


def install(path: str | None = None) -> Path:
    """Fetch it by the npm on `path` (the PATH, unless given), check and unpack it, unless it is there.

    Raises InstallError.
    """
    if installed():
        return BINARY
    name, digest = _package()
    with tempfile.TemporaryDirectory() as folder:
        archive = _fetch(name, Path(folder), os.environ.get("PATH", "") if path is None else path)
        _check(archive, digest)
        _unpack(archive)
    return BINARY


def _package() -> tuple[str, str]:
    machine = platform.system(), platform.machine()
    if machine not in PACKAGES:
        allowed = ", ".join(" ".join(one) for one in PACKAGES)
        raise InstallError(f"workerd: no pinned package for {' '.join(machine)}; allowed: {allowed}")
    return PACKAGES[machine]


def _fetch(name: str, folder: Path, path: str) -> Path:
    npm = shutil.which("npm", path=path)
    if npm is None:
        raise InstallError(
            "workerd: npm is not installed; allowed: an npm on the PATH (it comes with Node.js)"
        )
    command = [npm, "pack", f"{name}@{VERSION}", "--silent", "--pack-destination", str(folder)]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InstallError(f"workerd: npm gave no package within {WITHIN} s") from None
    found = list(folder.glob("*.tgz"))
    if done.returncode or not found:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise InstallError(f"workerd: npm pack {name}: {said[-1] if said else f'exit {done.returncode}'}")
    return found[0]


def _check(archive: Path, digest: str) -> None:
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != digest:
        raise InstallError(f"workerd: the package's sha512 is {found}; allowed: {digest}")


def _unpack(archive: Path) -> None:
    HOME.mkdir(parents=True, exist_ok=True)
    partial = BINARY.with_suffix(".new")
    with tarfile.open(archive) as tar, partial.open("wb") as file:
        source = tar.extractfile(MEMBER)
        if source is None:
            raise InstallError(f"workerd: no {MEMBER} in the package")
        shutil.copyfileobj(source, file)
    partial.chmod(0o755)
    partial.replace(BINARY)


def main() -> int:
    """Install, and say where it is."""
    try:
        print(install())
    except InstallError as error:
        print(error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
