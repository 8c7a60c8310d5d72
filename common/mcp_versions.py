"""The revisions of MCP that the suite speaks, in two eras: with a handshake and sessions, and without.

`auto` stands for the one that the target is found to speak; `none` for plain JSON-RPC without any of it.
"""

from __future__ import annotations

from typing import Final, Literal

Protocol = Literal["auto", "2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "none"]
Spoken = Literal["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "none"]
AUTO: Final = "auto"
NONE: Final = "none"
MODERN: Final = "2026-07-28"
LEGACY: Final = ("2025-11-25", "2025-06-18", "2025-03-26")  # the newest first
NO_HEADER: Final = "2025-03-26"  # the one revision with sessions whose requests do not name it
