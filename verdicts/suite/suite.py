"""Several runs as one: `suite.json`, `suite.html`, `junit.xml`, and the exit code of the worst.

    3 (invalid, or could not start) is worse than 2 (configuration), 1 (a verdict failed), 0 (all passed)

A run that left no verdict is in all of them with its exit code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import ParseError

from junitparser import Error, JUnitXml, TestCase, TestSuite

from common.files.atomic_write import write_whole
from telemetry.run_folder.reading import object_whole
from verdicts.language.words import Say, chosen
from verdicts.output.junit import write_xml
from verdicts.suite import page

WORDS: Final = {0: "pass", 1: "fail", 2: "configuration", 3: "invalid"}


@dataclass(frozen=True)
class SuiteRun:
    """One run of the suite: its folder's name, its exit code, its verdicts.json ({} if it left none)."""

    scenario: str
    folder: str
    exit_code: int
    found: Mapping[str, Any]

    @classmethod
    def of(cls, scenario: str, folder: Path, exit_code: int) -> SuiteRun:
        """Read what the run left."""
        return cls(scenario, folder.name, exit_code, object_whole(folder / "verdicts.json") or {})

    @property
    def verdict(self) -> str:
        """pass, fail, configuration or invalid."""
        return WORDS.get(self.exit_code, WORDS[3])

    @property
    def points(self) -> list[dict[str, Any]]:
        """The answers but for `arrival`."""
        return [point for point in self.found.get("points", ()) if point["id"] != "arrival"]

    @property
    def broken(self) -> list[dict[str, Any]]:
        """Those out of their bounds, or without an answer."""
        return [point for point in self.points if point["status"] in ("fail", "invalid")]

    def counts(self) -> dict[str, int]:
        """How many points have each status."""
        statuses = [point["status"] for point in self.points]
        return {status: statuses.count(status) for status in ("pass", "fail", "info", "invalid")}


def worst(entries: Sequence[SuiteRun]) -> int:
    """The suite's exit code; 3 for a suite without a run."""
    return max((entry.exit_code for entry in entries), default=3)


def write(folder: Path, plan: str, entries: Sequence[SuiteRun], planned: Sequence[str]) -> int:
    """Write the combined files into `folder`; gives the exit code. `planned` that did not run are named."""
    missing = [name for name in planned if name not in {entry.scenario for entry in entries}]
    code = 3 if missing else worst(entries)
    document = {
        "schema_version": 1,
        "plan": plan,
        "written": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "verdict": WORDS[code],
        "exit_code": code,
        "not_run": missing,
        "runs": [_run(entry) for entry in entries],
    }
    write_whole(folder / "suite.json", json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    runs = {entry.scenario: entry.found for entry in entries}
    write_whole(folder / "suite.html", page.render(document, entries, runs, Say(chosen())))
    junit(folder, entries, missing)
    return code


def _run(entry: SuiteRun) -> dict[str, Any]:
    keys = ("started", "duration_s", "time_scale", "protections", "target", "version")
    return {
        "scenario": entry.scenario,
        "folder": entry.folder,
        "exit_code": entry.exit_code,
        "verdict": entry.verdict,
        **{key: entry.found.get(key) for key in keys},
        "points": entry.points,
    }


def junit(folder: Path, entries: Sequence[SuiteRun], missing: Sequence[str]) -> None:
    """Write one `junit.xml` of all runs; `missing` did not run."""
    xml = JUnitXml()
    for entry in entries:
        suites = _suites(folder / entry.folder / "junit.xml")
        for suite in suites:
            xml.add_testsuite(suite)
        if not suites:
            xml.add_testsuite(_broken(entry.scenario, f"left no verdict, exit code {entry.exit_code}"))
    for name in missing:
        xml.add_testsuite(_broken(name, "did not run: the suite was stopped"))
    write_xml(xml, folder / "junit.xml")


def _suites(file: Path) -> list[TestSuite]:
    """Those of one run; none where the file is not there, or broken."""
    try:
        return list(JUnitXml.fromfile(str(file)))
    except (OSError, ParseError):
        return []


def _broken(scenario: str, why: str) -> TestSuite:
    suite = TestSuite(f"resilience.{scenario}")
    case = TestCase("validity: did the run do what it said?", classname=f"resilience.{scenario}")
    case.result = [Error(why, "invalid")]
    suite.add_testcase(case)
    return suite


def summary(folder: Path, entries: Sequence[SuiteRun], code: int) -> Iterator[str]:
    """The table at the terminal's end, as lines."""
    width = max((len(entry.scenario) for entry in entries), default=0)
    yield f"{WORDS[code].upper()}: {len(entries)} runs, exit code {code}"
    for entry in entries:
        counts = ", ".join(f"{count} {status}" for status, count in entry.counts().items() if count)
        scale = entry.found.get("time_scale", 1)
        fast = f", time × {scale:g}" if scale != 1 else ""
        yield f"  {entry.verdict:13} {entry.scenario:<{width}}  {counts or 'no verdict'}{fast}"
        for point in entry.broken:
            yield f"      {point['status']} {point['id']} {point['question']} {point['evidence']}"
    yield f"  report: {folder / 'suite.html'}"
