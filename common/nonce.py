"""A call's own mark, as it stands in a tool's arguments and in what is expected of its answer.

Apart from the schema of what is expected (`common.expect`): who judges a run needs no schema of scenarios.
"""

from __future__ import annotations

from typing import Any, Final

NONCE: Final = "{nonce}"
"""In a tool's arguments and in what is expected: the call's own mark."""


def holds_nonce(value: Any) -> bool:
    """Whether arguments have the mark somewhere."""
    if isinstance(value, dict):
        return any(map(holds_nonce, value.values()))
    if isinstance(value, list | tuple):
        return any(map(holds_nonce, value))
    return isinstance(value, str) and NONCE in value
