"""Bad input with a secret in it: one line, exit code 2, and the secret is not in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from cli import check_target
from tests.support import refused_attack
from webui import access

S: Final = "S3NT1NEL-0123456789"
PEM: Final = f"-----BEGIN PRIVATE KEY-----\\n{S}\\n-----END PRIVATE KEY-----"
HERE: Final = {"name": "t", "base_url": "http://127.0.0.1:9"}
HS256: Final = {"algorithm": "HS256", "key": {"env": "A_KEY"}}
TARGETS: Final[dict[str, dict[str, Any]]] = {
    "user info": {"base_url": f"http://me:{S}@127.0.0.1:9"},
    "user info of another scheme": {"base_url": f"ftp://me:{S}@127.0.0.1:9"},
    "user info and a bad port": {"base_url": f"http://me:{S}@127.0.0.1:x"},
    "query": {"base_url": f"http://127.0.0.1:9/?key={S}"},
    "a path without its slash": {"path": f"mcp?api_key={S}"},
    "a path with a blank": {"path": f"/mcp?api_key={S} "},
    "a path that is too long": {"path": f"/mcp?api_key={S}{'x' * 1000}"},
    "health beyond ASCII": {"health": f"/h?k={S}é"},
    "metrics' user info": {"metrics": [f"http://me:{S}@127.0.0.1:9/m"]},
    "metrics elsewhere": {"metrics": [f"http://db.example.org/m?key={S}"]},
    "metrics with a fragment": {"metrics": [f"http://127.0.0.1/m?key={S}#x"]},
    "metrics as text": {"metrics": f"http://127.0.0.1/m?key={S}"},
    "the key itself": {"auth": {"key": S}},
    "the key as a variable's name": {"auth": {"key": {"env": f"{S} {S}"}}},
    "the key beside its file": {"auth": {"key": {"file": "k", "value": S}}},
    "the key in a list": {"auth": {"key": [S]}},
    "auth as text": {"auth": f"Bearer {S}"},
    "a header with a line end": {"headers": {"X-Key": f"{S}\r\nX: y"}},
    "a header beyond ASCII": {"headers": {"X-Key": f"{S}é"}},
    "headers as a list": {"headers": [f"X-Key: {S}"]},
    "a header as a list": {"headers": {"X-Key": [S]}},
    "too short a secret": {"auth": HS256},
}


@pytest.fixture(autouse=True)
def with_a_key(monkeypatch: pytest.MonkeyPatch, nothing_starts: None) -> None:
    monkeypatch.setenv("A_KEY", S)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert refused_attack.main(list(arguments)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert S not in said.err
    return said.err


def target(folder: Path, keys: dict[str, Any]) -> str:
    file = folder / "t.yaml"
    file.write_text(yaml.safe_dump({**HERE, **keys}))
    return str(file)


@pytest.mark.parametrize("name", TARGETS)
def test_of_a_target(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "burst", "--target", target(tmp_path, TARGETS[name]))
    assert "allowed" in said
    assert check_target.main([target(tmp_path, TARGETS[name])]) == 2
    assert S not in capsys.readouterr().err


def test_of_a_key_that_is_a_pem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for algorithm in ("HS256", "EdDSA"):
        monkeypatch.setenv("A_KEY", PEM)
        auth = {"algorithm": algorithm, "key": {"env": "A_KEY"}}
        said = refused(capsys, "burst", "--target", target(tmp_path, {"auth": auth}))
        assert said.startswith("environment variable A_KEY: ")
        assert ("the secret that is shared" in said) == (algorithm == "HS256")


@pytest.mark.parametrize("word", [f"http://me:{S}@127.0.0.1", f"https://h/?k={S}"])
def test_of_a_target_on_the_command_line(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is a URL" in refused(capsys, "burst", "--target", word)


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://u:{S}@db.example.org/d", f"postgresql://u:{S}@127.0.0.1/d?service=x", f"mysql://u:{S}@h/d",
        [f"postgresql://u:{S}@127.0.0.1/d"], {"url": f"postgresql://u:{S}@127.0.0.1/d"},
        f"postgresql://u:{S}@a@127.0.0.1/d",
    ],
)  # fmt: skip
def test_of_a_scenario(dsn: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(yaml.safe_dump({"title": "t", "duration": "10s", "stack": {"database": {"dsn": dsn}}}))
    assert "database.dsn: " in refused(capsys, str(file))


def test_a_database_elsewhere_is_for_its_owner_with_his_bounds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "s.yaml"
    content = {"title": "t", "duration": "1s", "accounts": {"count": 2}, "rate": 1}
    dsn = f"postgresql://u:{S}@db.example.org/d"
    file.write_text(yaml.safe_dump({**content, "stack": {"database": {"dsn": dsn}}}))
    bundled = {"base_url": "bundled", "control": "bundled", "i_own_this_host": "db.example.org"}
    assert "only with max_rps" in refused(capsys, str(file), "--target", target(tmp_path, bundled))
    bounded = {**bundled, "max_rps": 10, "max_duration": "10s"}
    assert refused_attack.main([str(file), "--target", target(tmp_path, bounded)]) == 0
    assert capsys.readouterr().err == ""


def test_of_a_short_password() -> None:
    with pytest.raises(access.AccessError) as error:
        access.check("0.0.0.0", "pa55-w")
    assert "pa55" not in str(error.value)
