"""deploy/: by Kubernetes' schema, closed, without privileges, and one with Dockerfile, compose and Locust."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema  # type: ignore[import-untyped]
import pytest

from common.paths import ROOT
from run.options import add_arguments
from targets import load as targets
from tests.support import plain_yaml, rooms

SCHEMA: Final = json.loads((ROOT / "tests" / "schemas" / "kubernetes-1.33.json").read_text())
FILES: Final = sorted((ROOT / "deploy").rglob("*.yaml"))
COMPOSE: Final = plain_yaml.read(ROOT / "docker-compose.yml")
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text()
MASTER, WORKER = "resilience-master", "resilience-worker"


@cache
def documents() -> list[dict[str, Any]]:
    return [document for file in FILES for document in plain_yaml.every(file)]


def validate(document: dict[str, Any]) -> None:
    schema = {"$ref": f"#/$defs/{SCHEMA['kinds'][document['kind']]}", "$defs": SCHEMA["$defs"]}
    jsonschema.Draft202012Validator(schema).validate(document)


def found(kind: str, name: str) -> Any:
    (one,) = [each for each in documents() if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return one["data"] if "data" in one else one["spec"]


def pods() -> dict[str, Any]:
    """The pod of each workload by its `app` label."""
    templates = [found("Job", MASTER)["template"], found("Deployment", WORKER)["template"]]
    return {template["metadata"]["labels"]["app"]: template["spec"] for template in templates}


def container(app: str) -> Any:
    (one,) = pods()[app]["containers"]
    return one


def locust_options(command: list[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """How Locust itself reads a command."""
    from locust.argument_parser import get_empty_argument_parser, setup_parser_arguments

    assert command[:3] == ["locust", "-f", "locustfile.py"]
    monkeypatch.setattr("sys.argv", ["locust"])
    parser = get_empty_argument_parser()
    setup_parser_arguments(parser)  # type: ignore[no-untyped-call]
    add_arguments(parser)
    return parser.parse_args(command[3:])


def command_of(app: str) -> list[str]:
    one = container(app)
    return [*one["command"], *one.get("args", [])]


@pytest.mark.parametrize("document", documents(), ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_the_published_schema_accepts_each(document: dict[str, Any]) -> None:
    validate(document)
    if document["kind"] != "Namespace":
        assert document["metadata"]["namespace"] == "resilience"


@pytest.mark.parametrize(
    "change", [{"no_such_key": 1}, {"spec": {"replicas": "four"}}, {"spec": {"template": {"spec": {}}}}]
)
def test_the_schema_refuses_what_is_wrong(change: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validate({"apiVersion": "apps/v1", "kind": "Deployment", **change})


def test_the_image_is_the_one_that_compose_builds() -> None:
    images = {each["image"] for pod in pods().values() for each in pod["containers"]}
    assert images == {COMPOSE["x-suite"]["image"]}


def test_pods_run_as_the_images_user_without_any_privilege() -> None:
    uid = int(re.search(r"useradd --uid (\d+)", DOCKERFILE)[1])  # type: ignore[index]
    for app, pod in pods().items():
        assert pod["securityContext"]["runAsUser"] == uid, app
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        context = container(app)["securityContext"]
        assert context["capabilities"] == {"drop": COMPOSE["x-suite"]["cap_drop"]}
        assert (context["readOnlyRootFilesystem"], context["allowPrivilegeEscalation"]) == (True, False)
        assert "memory" in container(app)["resources"]["limits"]
        assert set(container(app)["resources"]["requests"]) == {"cpu", "memory"}


def test_what_is_mounted_is_there_and_what_is_written_is_mounted() -> None:
    for app, pod in pods().items():
        mounts = {each["name"]: each["mountPath"] for each in container(app)["volumeMounts"]}
        assert set(mounts) == {volume["name"] for volume in pod["volumes"]}
        assert mounts["tmp"] == "/tmp"
    written = json.loads(re.search(r"VOLUME (\[.*\])", DOCKERFILE)[1])  # type: ignore[index]
    assert [{"name": "results", "mountPath": path} for path in written] == [
        mount for mount in container(MASTER)["volumeMounts"] if mount["name"] == "results"
    ]


def test_commands_are_composes_but_for_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = command_of(WORKER)
    assert [
        MASTER if word == "127.0.0.1" else word for word in COMPOSE["services"]["worker"]["command"]
    ] == worker
    master = locust_options(command_of(MASTER), monkeypatch)
    theirs = locust_options(COMPOSE["services"]["master"]["command"], monkeypatch)
    assert (master.master, theirs.master) == (True, True)
    assert master.headless is True  # in a cluster there is no web UI to protect
    assert master.expect_workers == found("Deployment", WORKER)["replicas"]
    assert (master.master_bind_host, theirs.master_bind_host) == ("0.0.0.0", "127.0.0.1")


def test_workers_find_the_master_by_its_service(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = locust_options(command_of(WORKER), monkeypatch)
    master = locust_options(command_of(MASTER), monkeypatch)
    service = found("Service", MASTER)
    (port,) = service["ports"]
    (opened,) = container(MASTER)["ports"]
    assert worker.master_host == MASTER
    assert worker.master_port == port["port"] == master.master_bind_port == opened["containerPort"]
    assert port["targetPort"] == opened["name"]
    assert service["selector"] == {"app": MASTER}
    assert service["publishNotReadyAddresses"] is True  # workers may come before it is ready


def test_only_workers_reach_the_master_and_nothing_else_comes_in() -> None:
    everything = found("NetworkPolicy", "resilience-nothing-comes-in")
    assert everything["podSelector"] == {}
    assert set(everything["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in everything
    port = [{"protocol": "TCP", "port": 5557}]
    inward = found("NetworkPolicy", "resilience-workers-reach-master")
    assert inward["podSelector"] == {"matchLabels": {"app": MASTER}}
    assert inward["ingress"] == [{"from": [{"podSelector": {"matchLabels": {"app": WORKER}}}], "ports": port}]
    outward = found("NetworkPolicy", "resilience-master-from-workers")
    assert outward["podSelector"] == {"matchLabels": {"app": WORKER}}
    assert outward["egress"] == [{"to": [{"podSelector": {"matchLabels": {"app": MASTER}}}], "ports": port}]


def test_the_target_is_one_that_the_suite_accepts(tmp_path: Path) -> None:
    file = tmp_path / "target.yaml"
    file.write_text(found("ConfigMap", "resilience-target")["target.yaml"])
    target = targets.load(file)
    assert target.auth is not None
    env = {each["name"]: each for each in container(MASTER)["env"]}
    assert target.auth.key is not None
    secret = env[target.auth.key.env or ""]["valueFrom"]["secretKeyRef"]
    assert secret == {"name": "resilience-gateway", "key": "key"}
    assert env["TARGET"]["value"] == "/etc/resilience/target.yaml"
    assert target.base_url == f"https://{target.i_own_this_host}"


def test_secrets_come_by_reference_alone() -> None:
    text = "".join(file.read_text() for file in FILES)
    assert "kind: Secret\n" not in text
    assert "PRIVATE KEY" not in text


def test_the_image_holds_every_room_that_its_commands_import() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    kept = {line[1:] for line in lines if line.startswith("!")}
    floor = {file.parent.name for file in ROOT.glob("*/__init__.py")}
    sources = [file for file in rooms.files() if file.parts[0] in {*(kept & floor), "locustfile.py"}]
    imported = {name.partition(".")[0] for file in sources for name in rooms.imports_of(file)}
    assert {"run", "users", "verdicts"} <= imported
    assert imported & floor <= kept
