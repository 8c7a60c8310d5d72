"""From a path to a checked Target. Every error is a ConfigError: one line; the caller exits 2."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from common.errors import ConfigError, short
from common.paths import real
from common.strict import validate
from common.yaml_file import read_mapping
from targets.schema import Target

FOLDER: Final = Path(__file__).resolve().parent
MOST_IDS: Final = 100_000
LARGEST_IDS: Final = 16_000_000  # bytes
LONGEST_TOKEN: Final = 8000  # characters


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
    source, auth = target.accounts, target.auth
    files = {name: _absolute(folder, file) for name in ("ids", "tokens") if (file := getattr(source, name))}
    update: dict[str, object] = {"accounts": source.model_copy(update=files)} if files else {}
    if target.tls.ca is not None:
        update["tls"] = target.tls.model_copy(update={"ca": _absolute(folder, target.tls.ca)})
    if auth is not None and auth.key is not None and auth.key.file is not None:
        key = auth.key.model_copy(update={"file": _absolute(folder, auth.key.file)})
        update["auth"] = auth.model_copy(update={"key": key})
    return target.model_copy(update=update) if update else target


def _absolute(folder: Path, name: str) -> str:
    try:
        return str(real(folder / name))
    except ValueError:
        raise ConfigError("target", "", f"{short(name)} is not a path, allowed: the name of a file") from None


def account_ids(target: Target) -> list[str] | None:
    """The ids of the target's accounts; None where nothing names any.

    They are those of its file, a line each (blank lines and `#` skipped). Ready-made tokens are numbered.
    """
    if target.accounts.tokens is not None:
        return [f"token-{number}" for number, _ in enumerate(account_tokens(target), 1)]
    if target.accounts.ids is None:
        return None
    file = Path(target.accounts.ids)
    ids = _lines(file, "an id a line")
    for number, identity in enumerate(ids, 1):
        if len(identity) > 200 or not identity.isprintable():
            raise ConfigError(
                file, f"id {number}", f"{short(identity)}, allowed: up to 200 printable characters"
            )
    if len(set(ids)) < len(ids):
        raise ConfigError(file, "", "holds an id twice, allowed: each once")
    return ids


def account_tokens(target: Target) -> list[str]:
    """The ready-made tokens of the target's accounts, a line each; none without a file. Errors show none."""
    if target.accounts.tokens is None:
        return []
    file = Path(target.accounts.tokens)
    tokens = _lines(file, "a token a line")
    for number, token in enumerate(tokens, 1):
        if len(token) > LONGEST_TOKEN or not token.isascii() or not token.isprintable():
            text = f"is none, allowed: up to {LONGEST_TOKEN:,} visible ASCII characters"
            raise ConfigError(file, f"token {number}", text)
    if len(set(tokens)) < len(tokens):
        raise ConfigError(file, "", "holds a token twice, which would be one user, allowed: each once")
    return tokens


def _lines(file: Path, wanted: str) -> list[str]:
    """The lines that say something. Raises ConfigError for a file without any, or too many."""
    try:
        with file.open("rb") as stream:
            raw = stream.read(LARGEST_IDS + 1)
        lines = [line.strip() for line in raw.decode("utf-8-sig").splitlines()]
    except OSError as error:
        raise ConfigError(file, "", f"cannot be read: {error.strerror}, allowed: {wanted}") from None
    except UnicodeDecodeError:
        raise ConfigError(file, "", f"not text, allowed: UTF-8, {wanted}") from None
    found = [line for line in lines if line and not line.startswith("#")]
    if not found or len(found) > MOST_IDS or len(raw) > LARGEST_IDS:
        what = wanted.split()[1]
        raise ConfigError(file, "", f"holds {len(found)} {what}s, allowed: 1 to {MOST_IDS:,}")
    return found
