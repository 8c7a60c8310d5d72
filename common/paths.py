"""Where things are: the checkout, the folder that runs go to, and what a path that was given leads to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
"""The checkout; whatever is started runs here."""
CACHE: Final = ROOT / ".cache"
"""What is built or fetched once for this checkout; it may be deleted at any time."""
RESULTS: Final = ROOT / "results"
"""Runs, suites and plans, a folder each; `results/latest` is the newest run."""


def real(path: Path) -> Path:
    """`path`, absolute and without links; up to where they go in a circle, which `resolve` raises at."""
    return Path(os.path.realpath(path))


def is_folder(path: Path) -> bool:
    """It is one; False, and no OSError, for what is too long a name or lies where nobody may look."""
    return os.path.isdir(path)  # noqa: PTH112
