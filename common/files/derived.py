"""What takes long to make and is the same each time: made once for a checkout, kept in `.cache/`.

Where that folder cannot be written (a read-only checkout, a full disk) it is made anew each time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from common.paths import CACHE


def derived_text(name: str, make: Callable[[], str]) -> str:
    """The text of that name; `make` makes it. The name changes with whatever it is made of."""
    path = CACHE / "derived" / name
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8")
    text = make()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{name}.{os.getpid()}")  # several runs may make it at once
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    return text


def derived_folder(name: str) -> Path | None:
    """A folder of that name for a library's own cache; None where none can be made."""
    path = CACHE / "derived" / name
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / ".writable").touch()
    except OSError:
        return None
    return path
