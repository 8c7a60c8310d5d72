"""docker-compose.yml: by the specification's schema, pinned, healthy, closed to the outside."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from common.paths import ROOT
from targets.schema import Target
from tests.support import plain_yaml
from tests.support.needs import INFLUX_2

FILE = ROOT / "docker-compose.yml"
SCHEMA = ROOT / "tests" / "schemas" / "compose-spec.json"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = plain_yaml.read(FILE)
    return found


def test_the_published_schema_accepts_it(compose: dict[str, Any]) -> None:
    jsonschema.validate(compose, json.loads(SCHEMA.read_text()))


def test_the_schema_would_refuse_an_unknown_key(compose: dict[str, Any]) -> None:
    broken = {**compose, "services": {"x": {"image": "y:1", "no_such_key": 1}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, json.loads(SCHEMA.read_text()))


def test_docker_accepts_it_where_it_is_at_hand() -> None:
    """The schema above is checked everywhere."""
    docker = shutil.which("docker") or ""
    asked = [docker, "compose", "version"]
    if docker and subprocess.run(asked, capture_output=True, check=False).returncode == 0:
        checking = [docker, "compose", "-f", str(FILE), "config", "-q"]
        done = subprocess.run(checking, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()


def test_every_image_is_pinned_and_every_service_has_a_health_check(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"], name
        assert re.fullmatch(r"[a-z/.-]+:(\d+\.\d+[\w.-]*|local)", service["image"]), name


def test_the_influxdb_of_the_tests_is_the_one_that_it_ships(compose: dict[str, Any]) -> None:
    version = compose["services"]["influxdb"]["image"].partition(":")[2]
    assert f"github.com/influxdata/influxdb/v2 v{version}\n" in (INFLUX_2.sources / "go.mod").read_text()


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_every_service_has_limits_and_cannot_write_but_where_it_must(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert re.fullmatch(r"\d+[mg]", service["mem_limit"]), name
        assert service["read_only"] is True, name
        assert "/tmp" in service["tmpfs"], name
        assert seconds(service["stop_grace_period"]) >= 30, name


def test_a_container_has_as_long_to_end_as_a_drain_takes(compose: dict[str, Any]) -> None:
    deadline = Target(name="t", base_url="http://127.0.0.1").timeout
    grace = {name: seconds(one["stop_grace_period"]) for name, one in compose["services"].items()}
    assert grace["master"] >= deadline + locustfile_constant("REPORT_TIMEOUT")
    assert grace["worker"] > deadline


def locustfile_constant(name: str) -> float:
    """Read, not imported: an import of it makes a process a Locust."""
    found = re.search(rf"^{name}: Final = ([0-9.]+)", (ROOT / "locustfile.py").read_text(), re.MULTILINE)
    assert found is not None
    return float(found[1])


def test_ports_are_open_on_loopback_alone(compose: dict[str, Any]) -> None:
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert len(published) == 3
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert "ports" not in compose["services"]["postgres"]
    assert compose["services"]["postgres"]["networks"] == ["inner"]
    assert compose["networks"]["inner"]["internal"] is True


def test_volumes_are_named_and_declared(compose: dict[str, Any]) -> None:
    mounts = [mount for service in compose["services"].values() for mount in service.get("volumes", [])]
    named = {mount.partition(":")[0] for mount in mounts if not mount.startswith("./")}
    assert named == set(compose["volumes"])
    for mount in mounts:
        if mount.startswith("./"):
            assert (ROOT / mount.partition(":")[0]).is_dir()
            assert mount.endswith(":ro")


def test_what_grafana_is_given_is_what_its_files_ask_for(compose: dict[str, Any]) -> None:
    source = (ROOT / "grafana" / "provisioning" / "datasources" / "resilience.yaml").read_text()
    asked = set(re.findall(r"\$(\w+)", source))
    given = compose["services"]["grafana"]["environment"]
    assert asked <= set(given)
    home = given["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (ROOT / "grafana" / "dashboards" / Path(home).name).exists()


def test_the_image_holds_no_root_and_no_test_tool() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert text.count("FROM python:") == 2
    assert re.search(r"^USER (?!root)", text, re.MULTILINE)
    kept = (ROOT / ".dockerignore").read_text().splitlines()
    assert kept[1] == "*"
    assert not {"!tests", "!.git", "!results"} & set(kept)
    for line in kept:
        if line.startswith("!") and line != "!LICENSE":
            assert (ROOT / line[1:]).exists(), line
