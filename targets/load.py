"""From a path to a checked Target. Every error is a ConfigError: one line; the caller exits 2."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from common.errors import ConfigError, short
from common.strict import validate
from common.yaml_file import read_mapping
from targets.schema import Target

FOLDER: Final = Path(__file__).resolve().parent
MOST_IDS: Final = 100_000
LARGEST_IDS: Final = 16_000_000  # bytes


def load(name_or_path: str | Path = "bundled") -> Target:
    """The target in that file, or `targets/<name>.yaml`. Files it names are looked for beside it."""
    file = find(name_or_path)
    target = validate(Target, read_mapping(file), file)
    return _beside(target, file.parent)


def find(name_or_path: str | Path) -> Path:
    """The file that a name or a path means. Raises ConfigError."""
    text = str(name_or_path)
    if "://" in text:
        raise ConfigError("target", "", f"{short(text)} is a URL, allowed: a target file that names it")
    if "/" in text or text.endswith((".yaml", ".yml")):
        return Path(text)
    known = sorted(file.stem for file in FOLDER.glob("*.yaml"))
    if text not in known:
        raise ConfigError(
            "target", "", f"{short(text)}, allowed: {', '.join(known)}, or a path ending in .yaml"
        )
    return FOLDER / f"{text}.yaml"


def _beside(target: Target, folder: Path) -> Target:
    """Relative files of the target made absolute: every node reads the same ones."""
    update: dict[str, object] = {}
    if target.accounts.ids is not None:
        update["accounts"] = target.accounts.model_copy(
            update={"ids": _absolute(folder, target.accounts.ids)}
        )
    if target.tls.ca is not None:
        update["tls"] = target.tls.model_copy(update={"ca": _absolute(folder, target.tls.ca)})
    if target.auth is not None and target.auth.key is not None and target.auth.key.file is not None:
        key = target.auth.key.model_copy(update={"file": _absolute(folder, target.auth.key.file)})
        update["auth"] = target.auth.model_copy(update={"key": key})
    return target.model_copy(update=update) if update else target


def _absolute(folder: Path, name: str) -> str:
    return str((folder / name).resolve())


def account_ids(target: Target) -> list[str] | None:
    """The ids of the target's accounts file, a line each (blank lines and `#` skipped); None without one."""
    if target.accounts.ids is None:
        return None
    file = Path(target.accounts.ids)
    try:
        with file.open("rb") as stream:
            raw = stream.read(LARGEST_IDS + 1)
        lines = [line.strip() for line in raw.decode("utf-8-sig").splitlines()]
    except OSError as error:
        raise ConfigError(file, "", f"cannot be read: {error.strerror}, allowed: an id a line") from None
    except UnicodeDecodeError:
        raise ConfigError(file, "", "not text, allowed: UTF-8, an id a line") from None
    ids = [line for line in lines if line and not line.startswith("#")]
    _check_ids(file, ids, len(raw))
    return ids


def _check_ids(file: Path, ids: list[str], size: int) -> None:
    if not ids or len(ids) > MOST_IDS or size > LARGEST_IDS:
        raise ConfigError(file, "", f"holds {len(ids)} ids, allowed: 1 to {MOST_IDS:,}")
    for number, identity in enumerate(ids, 1):
        if len(identity) > 200 or not identity.isprintable():
            raise ConfigError(
                file, f"id {number}", f"{short(identity)}, allowed: up to 200 printable characters"
            )
    if len(set(ids)) < len(ids):
        raise ConfigError(file, "", "holds an id twice, allowed: each once")
