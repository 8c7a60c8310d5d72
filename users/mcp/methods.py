"""What a persona may call beside its group's tools; these open every run's tool table, in this order."""

from __future__ import annotations

from typing import Final

from users.mcp import messages
from users.personas.persona import Tool

LIST_TOOLS: Final = Tool(0, "tools/list", messages.message("tools/list"))
INITIALIZE: Final = Tool(1, "initialize", messages.initialize())
INITIALIZED: Final = Tool(2, "notifications/initialized", messages.notification("notifications/initialized"))
SCHEMA: Final = Tool(
    3, "get_module_schema", messages.message("tools/call", {"name": "get_module_schema", "arguments": {}})
)
BATCH: Final = Tool(4, "batch", messages.batch([]))
METHODS: Final = (LIST_TOOLS, INITIALIZE, INITIALIZED, SCHEMA, BATCH)
