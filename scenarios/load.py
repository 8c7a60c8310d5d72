"""From a name or a path and the command line's overrides to a checked Scenario.

    scenario file → its `extends`, laid under it → overrides laid over it → checked as a whole

`extends: burst` takes everything of `burst.yaml` beside it but its description; mappings are merged key by
key, `groups` by their names, anything else is replaced. Every error is a ConfigError: one line; the caller
exits 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from common.errors import ConfigError, short, unknown
from common.merge import merged
from common.paths import real
from common.strict import validate
from common.yaml_file import read_mapping
from scenarios.overrides import NO_OVERRIDES, Overrides
from scenarios.schema import GROUP_KEYS, Scenario, grouped

FOLDER: Final = Path(__file__).resolve().parent
DEEPEST: Final = 8


def names() -> list[str]:
    """The suite's own scenarios: this folder's rooms hold them by priority."""
    return sorted(_files(FOLDER))


def originals() -> list[str]:
    """Those of them that are no variants; of the others nothing but that is looked at."""
    return sorted(name for name, file in _files(FOLDER).items() if "extends" not in read_mapping(file))


def _files(folder: Path) -> dict[str, Path]:
    """The scenarios in a folder and in the folders right below it, by name."""
    return {file.stem: file for file in (*folder.glob("*.yaml"), *folder.glob("*/*.yaml"))}


def load(name_or_path: str | Path, overrides: Overrides = NO_OVERRIDES) -> Scenario:
    """The scenario of that name, or in that file. Raises ConfigError."""
    file = find(name_or_path)
    tree = _tree(file, ())
    scenario = validate(Scenario, tree, file)
    if overrides == NO_OVERRIDES:
        return scenario
    return validate(Scenario, overrides.over(scenario), overrides.source)


def find(name_or_path: str | Path, folder: Path = FOLDER) -> Path:
    """The file that a name (in `folder`) or a path means. Raises ConfigError."""
    text = str(name_or_path)
    if "/" in text or text.endswith((".yaml", ".yml")):
        return Path(text)
    files = _files(folder)
    if text in files:
        return files[text]
    raise ConfigError("scenario", "", f"{unknown(text, files)}, or a path ending in .yaml")


def _tree(file: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    """What `file` says, its base's words filled in; groups are written out."""
    place = real(file)
    if place in above or len(above) >= DEEPEST:
        raise ConfigError(
            file, "extends", f"goes in a circle or deeper than {DEEPEST}, allowed: a plain chain"
        )
    data = read_mapping(file)
    name = data.setdefault("name", file.stem)
    if name != file.stem:
        raise ConfigError(
            file, "name", f"{short(name)}, allowed: the file's own, {file.stem!r} (or leave it out)"
        )
    if "extends" not in data:
        return _groups_written_out(data, file)
    base_name = data.pop("extends")
    if not isinstance(base_name, str):
        raise ConfigError(file, "extends", f"{short(base_name)}, allowed: the name of a scenario")
    base = _tree(_base_file(base_name, file), (*above, place))
    own = {"variant_of": base["name"], "description": data.get("description", "")}
    return {**_extended(base, data, file), **own}  # what its base's description says need not be true of it


def _base_file(name: str, file: Path) -> Path:
    """The file of that name beside `file`, or one of the suite's own."""
    files = {**_files(FOLDER), **{other.stem: other for other in file.parent.glob("*.yaml")}}
    if name in files:
        return files[name]
    raise ConfigError(file, "extends", unknown(name, names()))


def _groups_written_out(data: dict[str, Any], file: Path) -> dict[str, Any]:
    try:
        return grouped(data)
    except ValueError as error:
        raise ConfigError(file, "", str(error)) from None


def _extended(base: dict[str, Any], data: dict[str, Any], file: Path) -> dict[str, Any]:
    """`data` over `base`; short-form keys go to the base's only group."""
    if not any(key in data for key in ("groups", *GROUP_KEYS)):
        return merged(base, data)
    over = _groups_written_out(data, file)
    if "groups" not in data:
        if len(base["groups"]) > 1:
            key = next(key for key in GROUP_KEYS if key in data)
            raise ConfigError(file, key, f"{base['name']} has several groups, allowed: {key} inside `groups`")
        over["groups"][0]["name"] = base["groups"][0].get("name", "users")
    return {**merged(base, over), "groups": _merged_groups(base["groups"], over["groups"])}


def _merged_groups(base: Any, over: Any) -> Any:
    if not (_is_list_of_mappings(base) and _is_list_of_mappings(over)):
        return over
    by_name = {group.get("name", "users"): group for group in base}
    for group in over:
        name = group.get("name", "users")
        by_name[name] = merged(by_name.get(name, {}), group)
    return list(by_name.values())


def _is_list_of_mappings(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, Mapping) and isinstance(item.get("name", ""), str) for item in value
    )
