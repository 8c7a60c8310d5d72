"""The origin in Go keeps its own copy of some tables: they are those of the fakes."""

import re
from collections.abc import Iterator
from typing import get_origin

from pydantic import BaseModel

from common.paths import ROOT
from common.protections import TABLE
from fakes import faults
from fakes.http import rpc
from fakes.http.reasons import REASONS
from fakes.origin import eras
from fakes.settings import StackSettings

SOURCE = ROOT / "fakes" / "origin_go"
ROW = re.compile(r'"([a-z_]+)":\s*\{(\d+), (-\d+), "(.*)"\}')


def quoted(file: str, name: str) -> list[str]:
    """The texts of a Go slice."""
    text = (SOURCE / file).read_text()
    found = re.search(rf"{name}\s*=\s*\[\]string\{{(.*?)\}}", text, re.DOTALL)
    assert found is not None
    return re.findall(r'"([a-z0-9._-]+)"', found[1])


def test_reasons() -> None:
    rows = ROW.findall((SOURCE / "reasons.go").read_text())
    assert len(rows) > 10
    for name, status, code, message in rows:
        theirs = REASONS[name]
        assert (int(status), int(code), message) == (theirs.status, theirs.code, theirs.message), name


def test_protections_and_faults() -> None:
    theirs = [row.name for row in TABLE if row.real or row.place == "edge"]  # it refuses what it has not
    assert sorted(quoted("control.go", "knownProtections")) == sorted(theirs)
    assert sorted(quoted("control.go", "knownFaults")) == sorted(faults.of("origin"))


def test_versions_of_the_protocol() -> None:
    assert quoted("eras.go", "legacyVersions") == list(eras.LEGACY_VERSIONS)
    text = (SOURCE / "eras.go").read_text()
    names = dict(re.findall(r'^\t(\w+) += "(.*)"$', text, re.MULTILINE))
    assert names == {
        "modernVersion": eras.MODERN_VERSION,
        "versionKey": eras.VERSION_KEY,
        "capabilitiesKey": eras.CAPABILITIES_KEY,
        "serverKey": eras.SERVER_KEY,
        "subscriptionKey": eras.SUBSCRIPTION_KEY,
    }


def test_errors_of_the_protocol() -> None:
    rows = dict(re.findall(r"^\t(\w+) += (-\d+)$", (SOURCE / "rpc.go").read_text(), re.MULTILINE))
    assert {re.sub("[A-Z]", r"_\g<0>", name).upper(): int(code) for name, code in rows.items()} == {
        name: code for name, code in vars(rpc).items() if name.isupper() and isinstance(code, int)
    }


def test_free_mappings() -> None:
    assert quoted("config.go", "freeMappings") == sorted(free(StackSettings))


def free(model: type[BaseModel], path: str = "") -> Iterator[str]:
    """The mappings below a model of settings whose keys are names that anybody may choose."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if get_origin(kind) is dict:
            yield f"{path}{name}."
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from free(kind, f"{path}{name}.")
