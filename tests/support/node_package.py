"""What npm installs into .cache/ of a package.json and the package-lock.json beside it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from common.paths import ROOT

PINNED: Final = ("package.json", "package-lock.json")
WORDS: Final = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")


@dataclass(frozen=True, slots=True)
class NodePackage:
    """The folder of the two files, and the name that their packages have in .cache/."""

    pins: Path
    name: str

    @property
    def folder(self) -> Path:
        """Where npm works."""
        return ROOT / ".cache" / self.name

    @property
    def modules(self) -> Path:
        """Where the packages are, once installed."""
        return self.folder / "node_modules"

    def is_current(self) -> bool:
        """Whether what is installed is what is pinned; npm writes its own lock file when it is done."""
        done = (self.modules / ".package-lock.json").exists()
        return done and all((self.folder / n).read_bytes() == (self.pins / n).read_bytes() for n in PINNED)

    def install(self, environment: dict[str, str] | None = None) -> None:
        """Install it unless it is there. Raises CalledProcessError or OSError where npm cannot."""
        if self.is_current():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in PINNED:
            shutil.copy2(self.pins / name, self.folder / name)
        subprocess.run(WORDS, cwd=self.folder, check=True, capture_output=True, timeout=240, env=environment)
