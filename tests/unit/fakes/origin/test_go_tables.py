"""The origin in Go keeps its own copy of two tables: they are those of the fakes."""

import re

from common.paths import ROOT
from common.protections import TABLE
from fakes import faults
from fakes.http.reasons import REASONS

SOURCE = ROOT / "fakes" / "origin_go"
ROW = re.compile(r'"([a-z_]+)":\s*\{(\d+), (-\d+), "(.*)"\}')


def quoted(file: str, name: str) -> list[str]:
    """The texts of a Go slice."""
    text = (SOURCE / file).read_text()
    found = re.search(rf"{name}\s*=\s*\[\]string\{{(.*?)\}}", text, re.DOTALL)
    assert found is not None
    return re.findall(r'"([a-z-]+)"', found[1])


def test_reasons() -> None:
    rows = ROW.findall((SOURCE / "reasons.go").read_text())
    assert len(rows) > 10
    for name, status, code, message in rows:
        theirs = REASONS[name]
        assert (int(status), int(code), message) == (theirs.status, theirs.code, theirs.message), name


def test_protections_and_faults() -> None:
    assert sorted(quoted("control.go", "knownProtections")) == sorted(row.name for row in TABLE)
    assert sorted(quoted("control.go", "knownFaults")) == sorted(faults.of("origin"))
