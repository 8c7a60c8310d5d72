"""The agents that a scenario names by `preset`: some of the persona `agent`'s options each.

docs/agents.md says where each comes from, `users.personas.agent_options` what an option means. What stands
beside a preset goes before it. They stand here, as agents and what judges them both read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

FAILURES: Final = ("throttled", "server-error", "timeout", "connection")

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "naive": {"retry_on": FAILURES, "retries": 5, "wait": "none", "retry_after": False, "give_up": 5.0},
    "polite": {
        "retry_on": FAILURES, "retries": 3, "wait": "exponential", "jitter": "full", "give_up": 5.0,
        "budget": 0.1,
    },
    "sdk-python": {"retry_on": (), "retries": 0, "give_up": 300.0},
    "sdk-typescript": {"retry_on": (), "retries": 0, "give_up": 60.0, "notice": True},
    "stuck-loop": {
        "retry_on": (*FAILURES, "tool-error", "client-error", "success"), "retries": "endless",
        "wait": "none", "retry_after": False, "vary": True,
    },
    "fan-out": {
        "retry_on": (*FAILURES, "tool-error"), "retries": 3, "wait": "none", "retry_after": False,
        "fan_out": 12,
    },
}  # fmt: skip
