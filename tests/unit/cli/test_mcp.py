"""`bin/resilience mcp`: without the SDK one line says what to type; nothing but loopback is listened on."""

import os
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli import mcp
from cli.mcp import MISSING, READY, main
from scenarios.options import VARIABLES


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the SDK."""
    monkeypatch.setattr(mcp, "SITE", tmp_path)


def test_a_missing_sdk_is_one_line(capsys: Any) -> None:
    assert main([]) == 3
    assert capsys.readouterr().err == f"{MISSING}\n"
    assert "make assistant" in MISSING


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--port 0", "command line: --port: '0', allowed: 1 to 65535"),
        ("--port x", "--port: 'x', allowed: 1 to 65535"),
        ("--host 0.0.0.0", "unrecognized arguments: --host 0.0.0.0"),
    ],
)
def test_bad_usage_is_one_line_and_2(words: str, told: str, capsys: Any) -> None:
    assert main(words.split()) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


def test_a_port_that_is_taken_is_one_line_and_2(capsys: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--http", "--port", str(port)]) == 2
    told = f"command line: --port: 127.0.0.1 port {port}: Address already in use, allowed: a free port"
    assert capsys.readouterr().err.startswith(told)


def test_what_it_starts_takes_nothing_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[dict[str, str]] = []
    server = SimpleNamespace(run=lambda transport: found.append(dict(os.environ)))
    loads = SimpleNamespace(see_out=lambda: None)
    serving = SimpleNamespace(make=lambda version: server, LOADS=loads)
    monkeypatch.setattr(mcp, "importlib", SimpleNamespace(import_module=lambda name: serving))
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in VARIABLES:
        monkeypatch.setenv(name, "0.1")
    (tmp_path / READY).touch()
    assert main([]) == 0
    assert found[0].keys().isdisjoint(VARIABLES)
