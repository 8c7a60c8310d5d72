"""The Dockerfile's own commands, in an empty virtual environment with the pip that its image brings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

from common.paths import ROOT

# Some 300 MB are fetched and installed, by pip, on whatever machine this is.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]

DOCKERFILE: Final = (ROOT / "Dockerfile").read_text()
# What `python -m venv` of this image makes: ensurepip's own (python:3.11.13 bundles it).
IMAGE: Final = "python:3.11.13-slim-bookworm"
IMAGES_PIP: Final = "24.0"


def stage(name: str) -> list[str]:
    """The instructions of a build stage, each on one line."""
    lines = re.sub(r"\\\n\s*", "", DOCKERFILE).splitlines()
    first = next(number for number, line in enumerate(lines) if line.endswith(f" AS {name}"))
    rest = [line for line in lines[first + 1 :] if line and not line.startswith("#")]
    return rest[: next((number for number, line in enumerate(rest) if line.startswith("FROM ")), len(rest))]


def test_the_pip_above_is_the_images() -> None:
    images = {line.split()[1] for line in DOCKERFILE.splitlines() if line.startswith("FROM ")}
    assert {image for image in images if image.startswith("python:")} == {IMAGE}
    assert f"brings, {IMAGES_PIP}:" in DOCKERFILE


@pytest.mark.slow
def test_its_commands_install_the_run_time_lock(tmp_path: Path) -> None:
    ours = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    environment = {**ours, "PATH": f"{sys.base_prefix}/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    environment["PIP_COMPILE"] = "0"  # nothing of it is run but pip
    ran = 0
    for instruction in stage("build"):
        word, _, rest = instruction.partition(" ")
        if word == "COPY":
            for name in rest.split()[:-1]:
                shutil.copy(ROOT / name, tmp_path)
        for command in rest.split(" && ") if word == "RUN" else ():
            run(command.replace("/venv", f"{tmp_path}/venv"), tmp_path, environment)
            ran += 1
            if " -m venv " in command:
                run(f"{tmp_path}/venv/bin/pip install --quiet pip=={IMAGES_PIP}", tmp_path, environment)
    assert ran == 2
    python = tmp_path / "venv" / "bin" / "python"
    assert f"pip {IMAGES_PIP} " in run(f"{python} -m pip --version", tmp_path, environment)
    run(f"{python} -m pip check", tmp_path, environment)
    installed = run(f"{python} -m pip freeze --all", tmp_path, environment).lower().replace("_", "-")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for needed in project["dependencies"]:
        name = re.split(r"[\[=<>]", needed)[0]
        assert re.search(rf"^{re.escape(name)}==", installed, re.MULTILINE), name
    assert not re.search(r"^(mypy|ruff|playwright|hypothesis)==", installed, re.MULTILINE)


def run(command: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout
