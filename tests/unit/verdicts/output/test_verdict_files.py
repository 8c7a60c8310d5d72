from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import plotly.graph_objects as go
import pytest
from junitparser import JUnitXml, TestCase, TestSuite

from tests.support.synthetic_run import Spec, write
from verdicts.__main__ import main
from verdicts.output.files import derive
from verdicts.output.junit import write_xml
from verdicts.output.terminal import show

SMALL = Spec(duration=5.0)
FAILING = replace(SMALL, fault=(2.0, 4.0, "db_error"))
COUNT = {"type": "integer", "minimum": 0}
NUMBER = {"type": ["number", "null"]}
COUNTS = {"type": "object", "additionalProperties": COUNT}


def required(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


TIMES = required(p50=NUMBER, p95=NUMBER, p99=NUMBER, max=NUMBER)
POINT = required(
    id={"type": "string"}, question={"type": "string"}, value={}, unit={"type": "string"},
    basis={"enum": ["measured", "modelled"]}, subject={"type": "string"}, threshold={"type": "string"},
    status={"enum": ["pass", "fail", "info", "invalid"]}, evidence={"type": "string", "minLength": 1},
)  # fmt: skip
DOCUMENT = required(
    scenario={"type": "string"}, started={"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT.*Z$"},
    duration_s={"type": "number"}, target={"type": "string"}, protections={"type": "array"},
    arrivals=required(
        **dict.fromkeys(("planned", "sent", "late", "dropped", "unknown", "extra"), COUNT),
        **dict.fromkeys(("ok", "failed", "aborted"), COUNT),
        start_delay_ms=required(p50=NUMBER, p99=NUMBER, max=NUMBER),
    ),
    response_ms=TIMES, service_ms=TIMES, status=COUNTS, errors=COUNTS, refusals=COUNTS,
    schema_version={"const": 1}, version={"type": "string"}, seed=COUNT, machine={"type": "object"},
    stop_reason={"type": "string"}, time_scale={"type": "number"}, peak_in_flight=COUNT, workers=COUNT,
    telemetry=required(written=COUNT, spooled=COUNT, dropped=COUNT),
    points={"type": "array", "items": POINT, "minItems": 1}, verdict={"enum": ["pass", "fail", "invalid"]},
)  # fmt: skip

SPECS = {
    "pass": (SMALL, 0),
    "fail": (FAILING, 1),
    "killed": (replace(SMALL, killed=True), 3),
    "stopped": (replace(SMALL, stopped_at=2.0, stop_reason="stopped by Ctrl-C"), 3),
    "stopped and failed": (replace(FAILING, stopped_at=4.0, stop_reason="stopped by the web UI"), 3),
    "stopped as told": (replace(SMALL, stopped_at=2.0, stop_reason="stop_when of the scenario: x"), 0),
    "failed as told": (replace(FAILING, stopped_at=4.0, stop_reason="stop_when of target x: y"), 1),
    "never began": (replace(SMALL, stopped_at=-1.0, stop_reason="SIGTERM"), 3),
    "no metrics": (replace(SMALL, bundled=False, probes=False), 0),
    "three workers": (replace(SMALL, workers=("w1", "w2", "w3")), 0),
}


@pytest.mark.parametrize(("spec", "exit_code"), SPECS.values(), ids=SPECS)
def test_every_kind_of_run_gives_all_files(tmp_path: Path, spec: Spec, exit_code: int) -> None:
    folder = write(tmp_path / "run", spec)
    assert main([str(folder), "--quiet"]) == exit_code
    document = json.loads((folder / "verdicts.json").read_text(), parse_constant=pytest.fail)
    jsonschema.validate(document, DOCUMENT)
    html = (folder / "report.html").read_text()
    assert len(html) < 6_000_000
    assert document["verdict"].capitalize() in html
    cases = ET.parse(folder / "junit.xml").getroot().findall(".//testcase")
    assert len(cases) == len(document["points"]) + 1


def test_the_numbers_of_the_document_are_the_ledgers(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", FAILING)
    derive(folder, quiet=True)
    document = json.loads((folder / "verdicts.json").read_text())
    arrivals = document["arrivals"]
    assert arrivals["planned"] == 500 == sum(document["status"].values())
    assert sum(document["errors"].values()) + sum(document["refusals"].values()) == arrivals["failed"]
    assert document["errors"] == {"db_error": 200}


def test_junit_says_what_failed(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", FAILING)
    derive(folder, quiet=True)
    suite = ET.parse(folder / "junit.xml").getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("failures"), suite.get("errors")) == ("2", "0")
    service, errors = suite.findall(".//failure")
    assert service.get("message") == "success is 60 % (allowed >= 99 %)"
    assert errors.get("message") == "errors is 40 % (allowed <= 5 %)"


def test_the_same_run_gives_the_same_files(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", FAILING)
    names = ("verdicts.json", "report.html", "junit.xml")
    derive(folder, quiet=True)
    once = [(folder / name).read_bytes() for name in names]
    derive(folder, quiet=True)
    assert once == [(folder / name).read_bytes() for name in names]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: folder.rename(folder.with_name("gone")), "not a folder"),
        (lambda folder: (folder / "run.json").unlink(), "holds no run.json"),
        (lambda folder: (folder / "run.json").write_text("{"), "allowed: a JSON object"),
        (lambda folder: (folder / "run.json").write_text("[]"), "allowed: a JSON object"),
        (lambda folder: (folder / "run.json").write_text('{"schema_version": 9}'), "allowed: 1"),
        (lambda folder: (folder / "run.json").write_text('{"schema_version": 1}'), "scenario: is missing"),
        (lambda folder: (folder / "end.json").write_text("[]"), "allowed: a JSON object"),
        (lambda folder: (folder / "ledger-local.jsonl").write_text("{}\n"), "allowed: a JSON object a line"),
        (lambda folder: (folder / "target.jsonl").write_text("7\n"), "target.jsonl"),
    ],
)
def test_what_is_no_run_is_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: Any, said: str
) -> None:
    folder = write(tmp_path / "run", SMALL)
    spoil(folder)
    assert main([str(folder)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "exit_code"),
    [
        ("end.json", 3),
        ("ledger-local.jsonl", 3),
        ("target.jsonl", 0),
        ("events.jsonl", 0),
        ("errors-local.jsonl", 0),
    ],
)
@pytest.mark.parametrize("text", ["", "nonsense\n", "{]\n", '{"t": 1, "rea', "\0\0\0\0"])
def test_a_torn_file_counts_as_absent_and_the_report_is_made(
    tmp_path: Path, name: str, exit_code: int, text: str
) -> None:
    folder = write(tmp_path / "run", SMALL)
    (folder / name).write_text(text)
    assert main([str(folder), "--quiet"]) == exit_code
    assert (folder / "report.html").exists()


def test_the_summary_is_plain_text_in_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    judged = derive(write(tmp_path / "run", FAILING), quiet=True)
    out = io.StringIO()
    show(judged, tmp_path / "run", out)
    text = out.getvalue()
    assert text.startswith("FAIL: The attack arrived and the target did not hold: service success is 60 %")
    assert "failed: 200 × db_error, status 500, first at 2.0 s" in text
    assert "planned 500 = sent 500 + dropped 0 + unknown 0" in text
    assert "first to break: db_error at 2.0 s, 200 calls in all" in text
    assert "  fail    P1.8 What is the error rate? 40.0 %" in text
    assert "\x1b" not in text
    assert "report.html" in text


@pytest.mark.parametrize(
    ("reason", "stopped_at", "says"),
    [
        ("stopped by Ctrl-C", 2.06, "STOPPED after 2.1 s of 5 s, by Ctrl-C"),
        ("stopped by make stop", 0.0, "STOPPED after 0.0 s of 5 s, by make stop"),
        ("stopped by SIGHUP", -1.0, "STOPPED before load began, by SIGHUP"),
        ("every worker was lost", 3.0, "STOPPED after 3.0 s of 5 s: every worker was lost"),
    ],
)
@pytest.mark.parametrize("colour", ["", "1"])
def test_a_stop_stands_first_and_the_verdict_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str, stopped_at: float, says: str, colour: str
) -> None:
    monkeypatch.setenv("FORCE_COLOR", colour)
    spec = replace(SMALL, duration=5.0, stopped_at=stopped_at, stop_reason=reason)
    folder = write(tmp_path / "run", spec)
    out = io.StringIO()
    show(derive(folder, quiet=True), folder, out)
    first, second = re.sub("\x1b\\[[0-9;]*m", "", out.getvalue()).splitlines()[:2]
    assert first == says
    assert second.strip().startswith(("PASS", "INVALID"))
    validity = ET.parse(folder / "junit.xml").getroot().find(".//testcase")
    assert validity is not None
    assert validity.find("error") is not None


@pytest.mark.parametrize(
    ("reason", "sign"), [("stopped by Ctrl-C", "invalid"), ("stop_when of the scenario: x", "pass")]
)
def test_the_page_of_a_stopped_run_has_no_sign_of_a_pass(tmp_path: Path, reason: str, sign: str) -> None:
    """But where `stop_when` ended it; that it ended early stands above the sentence."""
    folder = write(tmp_path / "run", replace(SMALL, stopped_at=2.0, stop_reason=reason))
    derive(folder, quiet=True)
    html = (folder / "report.html").read_text()
    assert f'<h1 class="verdict {sign}">' in html
    assert f'<p class="sentence"><strong>ended early: {reason}</strong></p>' in html


def test_where_no_call_went_out_no_time_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    folder = write(tmp_path / "run", SPECS["never began"][0])
    out = io.StringIO()
    show(derive(folder, quiet=True), folder, out)
    assert "start delay: not observed, as no call went out; late 0\n" in out.getvalue()
    html = (folder / "report.html").read_text()
    assert "Start delay not observed, as no call went out." in html
    assert "No call went out." in html
    assert "None ms" not in html


def test_what_cannot_be_written_costs_neither_the_rest_nor_the_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "run", SMALL)
    (folder / "report.html").mkdir()
    assert main([str(folder)]) == 3
    told = capsys.readouterr()
    assert told.out.startswith("PASS: ")
    assert told.err.startswith("a limit of this machine: EISDIR")
    assert ET.parse(folder / "junit.xml").getroot().tag == "testsuites"


def test_what_xml_forbids_is_replaced(tmp_path: Path) -> None:
    case = TestCase("a\x00b", classname="\ud800")
    case.system_out = "\x1b[31m red \ufffe \x0b 😀\t"
    suite, xml = TestSuite("s"), JUnitXml()
    suite.add_testcase(case)
    xml.add_testsuite(suite)
    write_xml(xml, tmp_path / "junit.xml")
    (found,) = ET.parse(tmp_path / "junit.xml").getroot().findall(".//testcase")
    assert (found.get("name"), found.get("classname")) == ("a\ufffdb", "\ufffd")
    assert found.findtext("system-out") == "\ufffd[31m red \ufffd \ufffd 😀\t"


def test_the_summary_is_a_table_at_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    judged = derive(write(tmp_path / "run", FAILING), quiet=True)
    out = io.StringIO()
    show(judged, tmp_path / "run", out)
    assert "\x1b[" in out.getvalue()
    assert "P1.8" in out.getvalue()


@pytest.mark.parametrize("spec", [SMALL, FAILING, replace(SMALL, stopped_at=-1.0, stop_reason="x")])
def test_every_plot_fits_plotlys_own_schema(tmp_path: Path, spec: Spec) -> None:
    folder = write(tmp_path / "run", spec)
    derive(folder, quiet=True)
    html = (folder / "report.html").read_text()
    specs = re.search(r'id="specs">(.*?)</script>', html, re.DOTALL)
    assert specs is not None
    for figure in json.loads(re.sub(r"var\(--[\w-]+\)", "#123456", specs[1])).values():
        go.Figure(figure)


def test_a_report_never_lets_a_runs_text_become_markup(tmp_path: Path) -> None:
    nasty = "</script><img src=x onerror=alert(1)>"
    phases = [{"name": nasty, "start": 1.0, "end": 2.0}]
    title = {"en": nasty, "ja": None}
    spec = replace(
        FAILING,
        scenario_data={"title": title, "phases": phases},
        manifest={"version": nasty, "tools": [nasty]},
    )
    folder = write(tmp_path / "run", spec)
    derive(folder, quiet=True)
    assert "<img" not in (folder / "report.html").read_text()


def test_a_report_asks_the_network_for_nothing(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", SMALL)
    derive(folder, quiet=True)
    html = (folder / "report.html").read_text()
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", html)
    assert "default-src 'none'" in html
