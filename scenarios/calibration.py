"""What a nano was measured to be on this machine: `make calibrate` writes it, `NANO=calibrated` takes it.

The file holds a part of the settings tree below `nano:` (with `measured_on`, which machine and when), and
beside it what else was seen: `cpu_ms` by kind of request, `start_s`, the steps of the memory's line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from common.errors import ConfigError
from common.paths import ROOT

FILE: Final = ROOT / ".cache" / "real" / "nano.yaml"


def nano(file: Path = FILE) -> dict[str, Any]:
    """The settings of a nano as measured. Raises ConfigError."""
    try:
        found = yaml.safe_load(file.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(file, "", "is not there; `make calibrate` writes it") from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigError(file, "", f"{error}; allowed: what `make calibrate` writes") from None
    settings = found.get("nano") if isinstance(found, dict) else None
    if not isinstance(settings, dict) or not settings.get("measured_on"):
        raise ConfigError(file, "nano", "allowed: what `make calibrate` writes")
    return settings


def write(found: dict[str, Any], file: Path = FILE) -> None:
    """Write it, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.new")
    partial.write_text(yaml.safe_dump(found, sort_keys=False, allow_unicode=True), "utf-8")
    partial.replace(file)
