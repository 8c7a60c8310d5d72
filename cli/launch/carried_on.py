"""A search whose folder is given again is carried on, if it is the same search."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from common.errors import ConfigError
from common.paths import is_folder
from run.folders import check_out, check_unused, is_empty
from scenarios.option import SOURCE
from scenarios.schema import Scenario
from telemetry.run_folder.reading import RunFolderError

ASIDE: Final = {"title", "description", "protections", "stack"}
T = TypeVar("T")


def before(folder: Path, file: str, read: Callable[[Path], T], asked: Mapping[str, object]) -> T | None:
    """What a search left in `folder`, as `read` reads its `file`; None in a new or an empty folder.

    `asked`: attribute → the value that this search has, and that one must have. Raises ConfigError.
    """
    if not is_folder(folder) or is_empty(folder):
        check_out(str(folder))
        return None
    check_unused(folder)
    allowed = f"allowed: a new folder, or one with a {file} of the same search"
    try:
        found = read(folder)
    except RunFolderError as error:
        why = f" ({error})" if (folder / file).exists() else ""
        raise ConfigError(SOURCE, "--out", f"{folder} is there already{why}, {allowed}") from None
    for key, value in asked.items():
        if getattr(found, key) != value:
            raise ConfigError(SOURCE, "--out", f"{folder} is of {key} {getattr(found, key)!r}, {allowed}")
    return found


def digest(scenario: Scenario) -> str:
    """Of what makes a scenario's load, its bounds and its stack, but for protections: rows have their own."""
    told = {key: value for key, value in scenario.dump().items() if key not in ASIDE}
    stack = scenario.model_copy(update={"protections": "none"}).stack_settings().model_dump(mode="json")
    return hashlib.sha256(json.dumps([told, stack], sort_keys=True).encode()).hexdigest()[:16]
