"""What a command's exit code says; the same numbers everywhere."""

from __future__ import annotations

from typing import Final

PASS: Final = 0
FAIL: Final = 1
"""A verdict failed."""
USAGE: Final = 2
"""Bad usage or configuration; one line says where, and what is allowed."""
OURS: Final = 3
"""No verdict on the target that counts: the run was invalid or inconclusive, stopped, or could not start."""
