"""What an account may call: a group's tools, and beside them the methods that open every run's tool table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from users.mcp import messages
from users.mcp.messages import Message


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


LIST_TOOLS: Final = Operation(0, "tools/list", messages.message("tools/list"))
INITIALIZE: Final = Operation(1, "initialize", messages.initialize())
INITIALIZED: Final = Operation(
    2, "notifications/initialized", messages.notification("notifications/initialized")
)
SCHEMA: Final = Operation(
    3, "get_module_schema", messages.message("tools/call", {"name": "get_module_schema", "arguments": {}})
)
BATCH: Final = Operation(4, "batch", messages.batch([]))
METHODS: Final = (LIST_TOOLS, INITIALIZE, INITIALIZED, SCHEMA, BATCH)
"""In the order of the table."""
