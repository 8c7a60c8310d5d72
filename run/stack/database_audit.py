"""What is asked of the bundled stack's database when the load is over, as files of the run folder.

consistency.json   the audit: `fakes.database.audit`, of every run
connections.json   the connection limit: `fakes.database.connection_limit`, where a point asks for it
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from common.files.atomic_write import write_whole
from fakes.stack.handle import StackError, StackHandle

CONNECTIONS: Final = frozenset({"P1.9", "P1.10"})


def write(stack: StackHandle, points: Iterable[str], folder: Path, say: Callable[[str], None]) -> None:
    """Ask and write; what gives no answer has no file, and the run says so."""
    _write(folder / "consistency.json", stack.consistency, say)
    if CONNECTIONS.intersection(points):
        _write(folder / "connections.json", stack.connections, say)


def _write(file: Path, ask: Callable[[], dict[str, Any]], say: Callable[[str], None]) -> None:
    try:
        found = ask()
    except StackError as error:
        say(f"{file.name} is missing: {error}")
        return
    write_whole(file, json.dumps(found, ensure_ascii=False))
