"""`junit.xml`: one test case a point, and one for the run's validity; CI systems show it as they show tests.

fail → failure, invalid → error, info → skipped (with the reason or the answer as its message). What XML has
no place for, control characters in a target's own words, becomes `�`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from xml.dom.minidom import parseString
from xml.etree.ElementTree import tostring

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from common.files.atomic_write import write_whole
from verdicts.explain import headline
from verdicts.judge.judge import Judgement
from verdicts.points.point import PointResult
from verdicts.run.facts import stop_reason

_RESULTS: Final = {"fail": Failure, "invalid": Error, "info": Skipped}
_FORBIDDEN: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(judged: Judgement, path: Path) -> None:
    """Write the suite of one run."""
    name = judged.run.scenario["name"]
    suite = TestSuite(f"resilience.{name}")
    suite.add_testcase(_validity(judged, name))
    for result in judged.points:
        suite.add_testcase(_case(result, name))
    xml = JUnitXml()
    xml.add_testsuite(suite)
    write_xml(xml, path)


def write_xml(xml: JUnitXml, path: Path) -> None:
    """Write the file, whole or not at all, without the characters that XML 1.0 forbids."""
    for element in xml._elem.iter():
        element.text = element.text and _FORBIDDEN.sub("\ufffd", element.text)
        for name, value in element.attrib.items():
            element.set(name, _FORBIDDEN.sub("\ufffd", value))
    pretty = parseString(tostring(xml._elem)).toprettyxml(encoding="utf-8")
    write_whole(path, pretty.decode())


def _validity(judged: Judgement, scenario: str) -> TestCase:
    case = TestCase("validity: did the run do what it said?", classname=f"resilience.{scenario}")
    if judged.verdict == "inconclusive":
        case.result = [Error(headline.sentence(judged), "inconclusive")]
    if judged.run.cut_short:
        case.result = [Error(f"ended early: {stop_reason(judged.run)}", "stopped")]
    if not judged.validity.valid:
        case.result = [Error("; ".join(judged.validity.reasons), "invalid")]
        case.system_err = judged.validity.starved
    return case


def _case(result: PointResult, scenario: str) -> TestCase:
    case = TestCase(f"{result.id}: {result.question.en}", classname=f"resilience.{scenario}")
    answer = f"{'not observed' if result.value is None else result.value} {result.unit}".strip()
    bound = f", allowed: {result.threshold}" if result.threshold else ""
    kind = _RESULTS.get(result.status)
    if kind is not None:
        case.result = [kind(", ".join(result.broken) or f"{answer}{bound}", result.status)]
    case.system_out = f"{answer}{bound}. {result.basis}, {result.subject}. {result.evidence}"
    return case
