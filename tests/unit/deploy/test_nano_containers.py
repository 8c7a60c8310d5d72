"""Nanos as containers: compose's profile and the pod of deploy/real hold what the suite means by a nano."""

from __future__ import annotations

import re
import subprocess
from typing import Any, Final

import pytest

from common.paths import ROOT
from fakes.settings import NanoSettings, StackSettings
from scenarios.overrides import Overrides
from tests.support import plain_yaml

COMPOSE: Final = plain_yaml.read(ROOT / "docker-compose.yml")["services"]
JOB: Final = plain_yaml.read(ROOT / "deploy" / "real" / "nano-attack.yaml")
POD: Final = JOB["spec"]["template"]["spec"]
PARTS: Final = {one["name"]: one for one in (*POD["initContainers"], *POD["containers"])}
ORIGINS: Final = ("origin-a", "origin-b")
UNITS: Final = {"m": 2**20, "Mi": 2**20}


def in_bytes(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(\w+)", text).groups()  # type: ignore[union-attr]
    return int(number) * UNITS[unit]


@pytest.mark.parametrize("name", ORIGINS)
def test_a_nano_is_as_large_as_the_suites(name: str) -> None:
    service, limits = COMPOSE[name], PARTS[name]["resources"]["limits"]
    nano = NanoSettings()
    assert in_bytes(service["mem_limit"]) == in_bytes(service["memswap_limit"]) == nano.memory_limit
    assert in_bytes(limits["memory"]) == nano.memory_limit
    assert float(service["cpus"]) == float(limits["cpu"].removesuffix("m")) / 1000 == nano.cpu_share
    assert PARTS[name]["resources"]["requests"] == limits
    assert service["restart"] == "always"
    assert PARTS[name]["restartPolicy"] == "Always"
    assert service["profiles"] == ["real"]


def test_only_the_nanos_belong_to_the_profile() -> None:
    assert {name for name, one in COMPOSE.items() if "profiles" in one} == set(ORIGINS)


def settings(script: str, **variables: str) -> StackSettings:
    """What a stack's shell script writes to the stack's stdin."""
    command = r"(?:exec )?python -m fakes\.stack(?:[^<\\\n]|\\\n)*"
    text = re.sub(command, "cat ", script.replace("$$", "$"))
    done = subprocess.run(["sh", "-c", text], env=variables, capture_output=True, text=True, check=True)
    return StackSettings.model_validate(plain_yaml.load(done.stdout))


def test_the_stack_waits_for_origins_at_the_ports_that_are_probed() -> None:
    script = COMPOSE["stack"]["command"][2]
    given = {
        "STACK_DSN": "postgresql://postgres:word@postgres:5432/postgres",
        "STACK_ORIGIN": "real",
        "STACK_NANO": "container",
    }
    for made in (settings(script, **given), settings(PARTS["stack"]["args"][0])):
        assert (made.parts.origin, made.parts.nano) == ("real", "container")
        for name in ORIGINS:
            assert COMPOSE[name]["healthcheck"]["test"][-1] == f"http://127.0.0.1:{made.ports[name]}/health"
    plain = settings(script, **{**given, "STACK_ORIGIN": "fakes", "STACK_NANO": "cgroup"})
    assert plain.parts == StackSettings().parts


def test_a_run_asks_for_the_parts_that_are_there() -> None:
    words = PARTS["attack"]["args"]
    asked = dict(zip(words[::2], words[1::2], strict=True))
    chosen = Overrides.read({"stack": asked["--stack"], "nano": asked["--nano"]})
    assert (chosen.stack, chosen.nano) == ("fakes,origin=real", "container")
    told = COMPOSE["master"]["environment"]
    assert (told["STACK"], told["NANO"]) == (
        "fakes,origin=${STACK_ORIGIN:-fakes}",
        "${STACK_NANO:-cgroup}",
    )


def test_origin_and_stack_share_one_file() -> None:
    for name in ORIGINS:
        assert COMPOSE[name]["command"] == ["--config", "/run/stack/stack.json", "--name", name]
        assert PARTS[name]["args"] == COMPOSE[name]["command"]
    for script in (COMPOSE["stack"]["command"][2], PARTS["stack"]["args"][0]):
        assert "--shared-config /run/stack/stack.json" in script


def test_no_part_has_any_privilege() -> None:
    assert POD["securityContext"]["runAsNonRoot"] is True
    for part in PARTS.values():
        context: dict[str, Any] = part["securityContext"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert (context["readOnlyRootFilesystem"], context["allowPrivilegeEscalation"]) == (True, False)
        assert "memory" in part["resources"]["limits"]
    volumes = {one["name"] for one in POD["volumes"]}
    assert {mount["name"] for part in PARTS.values() for mount in part["volumeMounts"]} == volumes


def test_the_image_of_the_origin_is_a_stage_of_the_dockerfile() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert COMPOSE["origin-a"]["build"]["target"] == "origin"
    stage = text[text.index(" AS origin") :].split("\nFROM ")[0]
    assert "USER 10001:10001" in stage
    assert re.search(r"^FROM golang:1\.26", text, re.MULTILINE)
    assert COMPOSE["origin-a"]["image"] == PARTS["origin-a"]["image"]
