"""What an account may call: a group's tools, and beside them the methods that open every run's tool table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from users.mcp.dialect import PLAIN, Dialect
from users.mcp.messages import Message

METHODS: Final = (
    *("tools/list", "initialize", "notifications/initialized", "batch", "close session"),
    *("notifications/cancelled", "standing stream"),
)
"""The labels of the methods, in the order of the table: a code is a place in it."""
LIST, INITIALIZE, INITIALIZED, BATCH, CLOSE, CANCELLED, LISTEN = range(len(METHODS))


@dataclass(frozen=True)
class Operation:
    """One thing to call: `label` is what reports show; its place in the run's table is `code`.

    `command` is the same call as a line of a batch; None for what no batch can hold.
    """

    code: int
    label: str
    message: Message
    weight: float = 1.0
    command: dict[str, Any] | None = None


def list_tools(dialect: Dialect) -> Operation:
    """`tools/list`, as the dialect writes it."""
    return Operation(LIST, METHODS[LIST], dialect.list_tools())


LIST_TOOLS: Final = list_tools(PLAIN)
