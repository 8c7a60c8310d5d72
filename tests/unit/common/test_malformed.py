"""The corpus of bad input (`tests/malformed/`): each is one line, exit code 2, and leaves nothing behind."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from cli import agents_table, audit, check_target, kv_table, metastable, stop, suite, tune
from common.paths import ROOT
from grafana import pictures
from grafana.query import RUN, fill
from run.options import choices
from run.request import RunRequest
from scenarios.options import FORM
from tests.support import plain_yaml, refused_attack
from verdicts import __main__ as verdicts
from webui.form import SwarmForm

FOLDER: Final = ROOT / "tests" / "malformed"
GOOD: Final = {
    "scenarios": "title: A test\nduration: 10s\n",
    "targets": "name: t\nbase_url: http://127.0.0.1:9\n",
}
MAINS: Final[dict[str, Callable[[list[str]], int]]] = {
    "attack": refused_attack.main,
    "suite": suite.main,
    "kv_table": kv_table.main,
    "agents_table": agents_table.main,
    "metastable": metastable.main,
    "tune": tune.main,
    "stop": stop.main,
    "audit": audit.main,
    "check_target": check_target.main,
    "verdicts": verdicts.main,
    "pictures": pictures.main,
}


@cache
def corpus(name: str) -> Any:
    return plain_yaml.read(FOLDER / f"{name}.yaml")


def cases(name: str) -> list[Any]:
    """(kind, the row) of every row of a file."""
    return [(kind, row) for kind, rows in corpus(name).items() for row in rows]


@pytest.fixture(autouse=True)
def without_a_database(monkeypatch: pytest.MonkeyPatch, nothing_starts: None) -> None:
    monkeypatch.setenv("INFLUXDB_V2_URL", "http://127.0.0.1:9")


def refused(main: Callable[[list[str]], int], words: list[str], says: str, capsys: Any) -> None:
    results = set((ROOT / "results").glob("*"))
    assert main(words) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1, said.err
    assert not said.out
    assert "Traceback" not in said.err
    assert set((ROOT / "results").glob("*")) == results


def over(good: str, text: str) -> str:
    """The good file's lines, without those whose keys `text` has, then `text`; or both of a doubled key."""
    keys = {line.partition(":")[0] for line in text.splitlines()}
    kept = [line for line in good.splitlines() if line.partition(":")[0] not in keys or "twice" in text]
    return "\n".join([*kept, text, ""])


@pytest.mark.parametrize(("kind", "row"), cases("scenarios"), ids=lambda one: str(one)[:60])
def test_scenarios(tmp_path: Path, kind: str, row: list[str], capsys: Any) -> None:
    file = tmp_path / "some.yaml"
    file.write_text(row[0] if kind == "whole" else over(GOOD["scenarios"], row[0]))
    refused(refused_attack.main, [str(file), "--out", str(tmp_path / "out")], row[1], capsys)
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(("kind", "row"), cases("targets"), ids=lambda one: str(one)[:60])
def test_targets(tmp_path: Path, kind: str, row: list[str], capsys: Any) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(row[0] if kind == "whole" else over(GOOD["targets"], row[0]))
    refused(
        refused_attack.main, ["burst", "--target", str(file), "--out", str(tmp_path / "out")], row[1], capsys
    )
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (kind, row)
        for kind, row in (*cases("commands"), *cases("tools"))
        if (kind, row[0]) != ("verdicts", "")
    ],
    ids=lambda one: str(one)[:60],
)
def test_command_lines(kind: str, row: list[str], capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    refused(MAINS[kind], shlex.split(row[0]), row[1], capsys)


@pytest.mark.parametrize("row", corpus("forms")["form"], ids=lambda one: str(one)[:60])
def test_forms(row: list[str]) -> None:
    options = Namespace(**{**dict.fromkeys(FORM, ""), "scenario": "burst", "target": "bundled", "out": ""})
    with pytest.raises(ValueError, match=r".") as caught:
        SwarmForm(options, choices(), RunRequest.read).check([(row[0], row[1])])
    assert row[2] in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("row", corpus("dashboards")["refused"], ids=str)
def test_dashboard_variables(row: list[Any]) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        fill(RUN, {"run": row[0]}, (0, 1))
    assert row[1] in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("value", corpus("dashboards")["harmless"])
def test_a_variable_never_leaves_its_place(value: str) -> None:
    """What stands between the slashes is one literal: taking the escapes away gives the value again."""
    text = fill('"run" =~ /^$run$/ AND x', {"run": value}, (0, 1))
    assert text.startswith('"run" =~ /^')
    assert text.endswith("$/ AND x")
    inner = text.removeprefix('"run" =~ /^').removesuffix("$/ AND x")
    plain, rest = "", inner
    while rest:
        assert rest[0] not in "/.*+?()[]{}|^$", "it means something to the query"
        step = 2 if rest[0] == "\\" else 1
        plain, rest = plain + rest[step - 1], rest[step:]
    assert plain == value


LONG: Final = "a" * 300
DEEP: Final = '{"a":' * 100_000
VEGETA: Final = '{"requests": %s, "duration": %s, "status_codes": {}}'


@pytest.mark.parametrize(
    ("kind", "words", "says"),
    [
        ("attack", "burst --target {loop}", "loop.yaml: cannot be read: Too many levels of symbolic links, "),
        ("attack", "{loop}", "loop.yaml: cannot be read: Too many levels of symbolic links, allowed: "),
        ("attack", f"burst --out {LONG}", "cannot be made: File name too long, allowed: a new folder"),
        ("attack", "burst --out '{tmp}/a\nb'", "allowed: a path of printable characters in UTF-8"),
        ("attack", "burst --out '{tmp}/\x1b[2J'", "allowed: a path of printable characters"),
        ("attack", "burst --out '{tmp}/\udcff'", "allowed: a path of printable characters"),
        ("attack", f"burst --baseline {LONG}", "File name too long, allowed: the folder of a run"),
        ("suite", "phase1 --out '{tmp}/a\tb'", "allowed: a path of printable characters"),
        ("tune", f"--out {LONG}", "cannot be made: File name too long, allowed: a new folder"),
        ("metastable", f"--capacity {LONG}", "aaa, allowed: a number from 1 to 100000"),
        ("kv_table", f"--out {LONG}", "cannot be made: File name too long, allowed: a new folder"),
        ("kv_table", "--out {file}", "is there already, allowed: a new folder or an empty one"),
        ("agents_table", "--out {file}/below", "cannot be made: Not a directory, allowed: a new folder"),
        ("kv_table", "--duration-scale x", "duration_scale: 'x', allowed: number"),
        ("kv_table", "--read {list}", "no verdicts: TypeError, "),
        ("agents_table", "--read {list}", "list, allowed: a JSON object"),
        ("verdicts", LONG, "not a folder, allowed: results/<run>"),
        ("stop", "--what", "unrecognized arguments: --what"),
        ("audit", "{file} --planned " + "9" * 400, "allowed: a whole number of at most 15 digits"),
        ("audit", "{file} --planned " + "9" * 5000, "allowed: a whole number of at most 15 digits"),
        ("audit", "{file} --target-count " + "9" * 400, "allowed: a whole number of at most 15 digits"),
        ("audit", "{file} --rate 1e308 --duration 1h", "'1e308', allowed: a number over 0, at most 1e+09"),
        ("audit", "{deep}", "maximum recursion depth exceeded"),
        ("audit", "{huge}", "counts 99999999999999999999999999999999999999"),
        ("audit", "{less}", "counts -1, allowed: 0 to 1,000,000,000,000,000"),
        ("audit", "{long}", "int too large to convert to float, allowed: k6's summary"),
    ],
    ids=lambda one: str(one)[:60],
)  # fmt: skip
def test_paths_and_figures_that_are_none(
    tmp_path: Path, kind: str, words: str, says: str, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    places = {name: tmp_path / f"{name}.yaml" for name in ("loop", "file", "deep", "huge", "less", "long")}
    places["loop"].symlink_to(places["loop"])
    places["file"].write_text("what no tool wrote")
    places["deep"].write_text(DEEP)
    places["huge"].write_text(VEGETA % ("9" * 400, 1))
    places["less"].write_text(VEGETA % (-1, 1))
    places["long"].write_text(VEGETA % (1, "9" * 400))
    places["list"] = tmp_path / "list"
    places["list"].mkdir()
    (places["list"] / "verdicts.json").write_text("[1]")
    before = set(tmp_path.rglob("*"))
    refused(MAINS[kind], [word.format(tmp=tmp_path, **places) for word in shlex.split(words)], says, capsys)
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("key", ["accounts: {ids: %s}", "tls: {ca: %s}", "auth: {key: {file: %s}}"])
@pytest.mark.parametrize("name", ["loop.pem", '"a\\0b"'])
def test_files_of_a_target_that_are_none(tmp_path: Path, key: str, name: str, capsys: Any) -> None:
    (tmp_path / "loop.pem").symlink_to(tmp_path / "loop.pem")
    file = tmp_path / "t.yaml"
    file.write_text(f"name: t\nbase_url: https://127.0.0.1:9\n{key % name}\n")
    refused(check_target.main, [str(file)], "allowed: ", capsys)


def test_the_corpus_is_large() -> None:
    names = ("scenarios", "targets", "commands", "tools", "forms", "dashboards", "processes")
    rows = [f"{n} {k} {row[:-1]}" for n in names for k, row in cases(n) if k != "harmless"]
    assert len(rows) >= 400
    assert len(set(rows)) == len(rows), "an input stands there twice"
