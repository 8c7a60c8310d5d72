"""Whole YAML, by libyaml where PyYAML has it: ten times as fast as the one in Python, and the same values.

What the suite itself reads is stricter: `common.yaml_file`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(text: str) -> Any:
    """The one document of a text."""
    return yaml.load(text, Loader=LOADER)


def read(file: Path) -> Any:
    """The one document of a file."""
    return load(file.read_text("utf-8"))


def every(file: Path) -> Iterator[Any]:
    """Each document of a file."""
    yield from yaml.load_all(file.read_text("utf-8"), Loader=LOADER)
