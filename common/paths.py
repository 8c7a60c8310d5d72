"""Where things are: the checkout, and the folder that runs go to."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
"""The checkout; whatever is started runs here."""
CACHE: Final = ROOT / ".cache"
"""What is built or fetched once for this checkout; it may be deleted at any time."""
RESULTS: Final = ROOT / "results"
"""Runs, suites and plans, a folder each; `results/latest` is the newest run."""
