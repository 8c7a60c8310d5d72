"""A scenario that is made for one run: a file of its own beside the runs, so that anyone can run it again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


def write(folder: Path, name: str, tree: Mapping[str, Any]) -> str:
    """Write it into `folder`/scenarios; its path, as a run's request has it."""
    file = folder / "scenarios" / f"{name}.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(dict(tree), sort_keys=False, allow_unicode=True))
    return str(file)
