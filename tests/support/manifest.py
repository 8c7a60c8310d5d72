"""A manifest made up for a test."""

from __future__ import annotations

from typing import Any

import msgspec

from telemetry.recording.sample import REASONS
from telemetry.run_folder.manifest import SCHEMA_VERSION, Manifest

BARE: dict[str, Any] = {
    "schema_version": SCHEMA_VERSION, "run": "r", "reasons": REASONS, "machine": {"cores": 2}, "version": "0",
    "scenario": {"name": "s"}, "target": {"name": "t"}, "bundled": True, "protections": [], "seed": 1,
    "start_wall": 100.0, "duration_s": 60.0, "tools": ["fast.echo"], "groups": ["users"],
}  # fmt: skip


def manifest(**fields: Any) -> Manifest:
    """A manifest with these fields as `run.json` has them, the rest made up."""
    return msgspec.convert({**BARE, **fields}, Manifest)
