"""What a persona may call beside its group's tools; these open every run's tool table, in this order."""

from __future__ import annotations

from typing import Final

from users import mcp
from users.persona import Tool

LIST_TOOLS: Final = Tool(0, "tools/list", mcp.message("tools/list"))
INITIALIZE: Final = Tool(1, "initialize", mcp.initialize())
INITIALIZED: Final = Tool(2, "notifications/initialized", mcp.notification("notifications/initialized"))
SCHEMA: Final = Tool(
    3, "get_module_schema", mcp.message("tools/call", {"name": "get_module_schema", "arguments": {}})
)
BATCH: Final = Tool(4, "batch", mcp.batch([]))
METHODS: Final = (LIST_TOOLS, INITIALIZE, INITIALIZED, SCHEMA, BATCH)
