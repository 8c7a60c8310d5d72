"""Strict YAML: the safe loader only, bounded size and depth, no duplicate keys, no aliases, text keys.

Aliases are refused altogether: a few nested ones make a document of any size ("billion laughs"). So are tags,
and plain words that YAML 1.1 takes for something that nobody meant: NO (false), 010 (8), 1:30 (90), .nan.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

from common.errors import ConfigError, short

LARGEST: Final = 1_000_000  # bytes
DEEPEST: Final = 40  # levels
ALLOWED: Final = "one document of plain YAML, without tags and aliases"
# What a plain word may be, if it is not to be text; all else that YAML 1.1 takes for one must be in quotes.
_PLAIN: Final = {
    "tag:yaml.org,2002:bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "tag:yaml.org,2002:int": re.compile(r"[-+]?(0|[1-9][0-9_]*|0x[0-9A-Fa-f_]+)"),
    "tag:yaml.org,2002:float": re.compile(r"[-+]?[0-9_]*\.?[0-9_]*([eE][-+]?[0-9]+)?"),
}
_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_Loader):  # type: ignore[misc, valid-type]
    """The safe loader, but for duplicate keys and keys that are not text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise _problem(f"key {short(key)} is not text, allowed: text (put it in quotes)", key_node)
            if key in seen:
                raise _problem(f"key {short(key)} stands there twice, allowed: once", key_node)
            seen.add(key)
        mapping: dict[str, Any] = super().construct_mapping(node, deep=deep)
        return mapping

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        meant = _PLAIN.get(node.tag)
        if meant is not None and not meant.fullmatch(node.value):
            made = super().construct_object(node, deep=deep)
            meaning = f"{short(node.value)} means {made} in YAML 1.1"
            raise _problem(f"{meaning}, allowed: put it in quotes, or write what it is", node)
        return super().construct_object(node, deep=deep)


# A date would be the one value that JSON cannot carry: it stays the text that it is.
_StrictLoader.add_constructor("tag:yaml.org,2002:timestamp", yaml.SafeLoader.construct_yaml_str)


def read_mapping(file: Path) -> dict[str, Any]:
    """The mapping that `file` holds. Raises ConfigError for anything else."""
    return mapping_of(_text(file), file)


def mapping_of(text: str, file: Path | str) -> dict[str, Any]:
    """The mapping that a text holds, which came from `file`. Raises ConfigError for anything else."""
    try:
        _refuse_bombs(text)
        data = yaml.load(text, Loader=_StrictLoader)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(file, line, _with_allowed(error.problem or "not YAML")) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(file, "", _with_allowed(f"not YAML: {error}")) from None
    if not isinstance(data, dict):
        raise ConfigError(file, "", "does not hold a mapping, allowed: `key: value` lines")
    return data


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise ConfigError(file, "", f"is too large, allowed: {LARGEST:,} bytes")
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(file, "", f"cannot be read: {error.strerror}, allowed: {ALLOWED}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(file, f"byte {error.start}", "not text, allowed: UTF-8") from None
    except ValueError as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(short(str(file)), "", "is not a path") from None


def _with_allowed(problem: str) -> str:
    """Our own complaints say it by themselves."""
    return problem if "allowed: " in problem else f"{problem}, allowed: {ALLOWED}"


def _refuse_bombs(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise _problem("an alias, allowed: none (write it out, or use `extends`)", event)
        if (tag := getattr(event, "tag", None)) is not None:
            raise _problem(f"a tag, {short(tag)}, allowed: none", event)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise _problem(f"nested too deep, allowed: {DEEPEST} levels", event)


def _problem(text: str, place: Any) -> yaml.MarkedYAMLError:
    """`place`: an event or a node."""
    return yaml.MarkedYAMLError(problem=text, problem_mark=place.start_mark)
