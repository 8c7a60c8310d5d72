"""The handlers of the page of several runs, and of the pages in the results."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient

from telemetry.run_folder.series import Series, SeriesStep
from tests.support.synthetic_run import Spec, write
from webui import pages, series_pages
from webui.comparing import MAKING, Comparing
from webui.series.form import SeriesForm
from webui.series.one_at_a_time import OneAtATime
from webui.series.process import SeriesNow, SeriesRefusedError

STEPS = (
    SeriesStep(
        name="single-burst", folder="01-single-burst", expected_s=20.0, began=0.0, took_s=31.0, exit_code=1
    ),
    SeriesStep(name="rate-limit", folder="02-rate-limit", expected_s=60.0, began=31.0),
    SeriesStep(name="health", folder="03-health", expected_s=70.0),
)
SUITE = Series(command="suite", title="phase1", page="suite.html", started=0.0, steps=STEPS)
GOING = SeriesNow("s", "suite", SUITE, going=True, output=("suite: [2/3] rate-limit", "  12 s of 60 s"))


class FakeSeries:
    """A process that is what a test says."""

    def __init__(self) -> None:
        self.state, self.started, self.stopped = SeriesNow(), list[list[str]](), 0
        self.refusal = ""

    def now(self) -> SeriesNow:
        return self.state

    def start(self, words: list[str]) -> None:
        if self.refusal:
            raise SeriesRefusedError(self.refusal)
        self.started.append(words)

    def stop(self) -> None:
        self.stopped += 1


class Pages:
    """The pages in an application of their own."""

    def __init__(self, results: Path) -> None:
        self.running, self.busy, self.results = FakeSeries(), "", results
        app = Flask(__name__)
        made = Blueprint(
            "attack", __name__, url_prefix="/attack", template_folder=str(pages.TEMPLATES),
            static_folder=str(pages.TEMPLATES.with_name("static")),
        )  # fmt: skip
        made.add_url_rule("/", "page", lambda: "")
        form = SeriesForm({"scenario": ["burst", "slow-api"], "target": ["bundled"], "tier": ["", "free"]})
        running: Any = self.running
        series_pages.add_series(
            made, running, form, lambda: self.busy, SimpleNamespace(target="bundled"), results
        )
        app.register_blueprint(made)
        self.client: FlaskClient = app.test_client()

    def live(self) -> str:
        return self.client.get("/attack/series/live").text

    def start(self, **fields: str) -> Any:
        return self.client.post("/attack/series/start", data=fields).json


@pytest.fixture
def web(tmp_path: Path) -> Pages:
    return Pages(tmp_path)


def test_the_page_has_a_form_for_each_command(web: Pages) -> None:
    html = web.client.get("/attack/series").text
    for command in ("suite", "plan", "compare", "breakpoint", "tune", "metastable"):
        assert f'<fieldset id="of-{command}"' in html
    assert html.count("disabled>") == 5, "one is open"
    assert 'id="compare-a" name="a" required' in html
    assert 'name="out"' not in html
    assert "no run starts while a comparison is being made" in html


def test_growth_without_a_folder_says_whose_limits_it_grows(web: Pages) -> None:
    html = web.client.get("/attack/series").text
    assert 'name="growth"' in html
    assert "from which on a limit of the plan has to change" in html
    assert "make tune OUT=its-folder GROWTH=10,100" in html
    assert "OUT&#39;s search" not in html, "a field that is not there"


def test_what_is_under_way_what_comes_next_and_how_long(web: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webui.series_pages.time.time", lambda: 51.0)
    web.running.state = GOING
    html = web.live()
    assert 'data-going="yes"' in html
    assert "Run 2 of 3: rate-limit" in html
    assert "about 2 min left" in html  # 40 s of this one, 70 s of the next
    assert "12 s of 60 s" in html
    assert "Next: health" in html
    assert "Open the report" not in html


def test_a_search_says_how_long_it_takes_at_most(web: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webui.series_pages.time.time", lambda: 860.0)
    rows = (SeriesStep(name="none", began=0.0),)
    told = Series(
        command="breakpoint", title="x", page="breakpoint.html", started=0.0, steps=rows, most_s=900.0
    )
    web.running.state = SeriesNow("b", "breakpoint", told, going=True)
    assert "at most 40 s left" in web.live()


def test_the_result_and_each_run_that_has_a_report_are_linked(web: Pages) -> None:
    for path in ("s/suite.html", "s/01-single-burst/report.html"):
        (web.results / path).parent.mkdir(parents=True, exist_ok=True)
        (web.results / path).write_text("<html>")
    web.running.state = SeriesNow("s", "suite", SUITE, exit_code=1, output=("FAIL: 1 runs",))
    html = web.live()
    assert '"/attack/results/s/suite.html"' in html
    assert '"/attack/results/s/01-single-burst/report.html"' in html
    assert "02-rate-limit/report.html" not in html
    assert "Finished: exit code 1" in html
    assert "FAIL: 1 runs" in html
    assert '"/attack/results/s/suite.html"' in web.client.get("/attack/series/past").text
    served = web.client.get("/attack/results/s/suite.html")
    assert served.headers["Content-Security-Policy"] == pages.REPORT_POLICY
    served.close()


@pytest.mark.parametrize("path", ["s/suite.json", "../x/report.html", "s/02-rate-limit/report.html", "x"])
def test_what_is_no_page_of_the_results_is_not_found(web: Pages, path: str) -> None:
    assert web.client.get(f"/attack/results/{path}").status_code == 404


def test_a_form_starts_the_command_that_it_names(web: Pages) -> None:
    assert web.start(command="suite", plan="phase1", seed="3") == {"success": True}
    assert web.running.started == [["suite", "phase1", "--seed=3"]]


def test_a_form_that_is_refused_starts_nothing_and_says_why(web: Pages) -> None:
    told = web.start(command="suite", plan="phase1", out="/tmp/x")
    assert (told["success"], told["message"][:6]) == (False, "suite:")
    assert web.running.started == []
    web.running.refusal = "max_rps: 600"
    assert web.start(command="plan") == {"success": False, "message": "max_rps: 600"}


def test_stop_tells_it(web: Pages) -> None:
    assert web.client.post("/attack/series/stop").json == {"success": True}
    assert web.client.get("/attack/series/stop").status_code == 405
    assert web.running.stopped == 1


def test_what_else_has_the_machine_is_said(web: Pages) -> None:
    assert 'data-busy="no"' in web.live()
    web.busy = MAKING
    assert 'data-busy="yes"' in web.live()
    assert MAKING in web.live()


def test_no_run_and_no_series_starts_while_a_comparison_is_being_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, seen = OneAtATime(), list[str]()
    comparing = Comparing(tmp_path, machine.busy)
    machine.add(comparing.busy)
    monkeypatch.setattr("webui.runs.is_run", lambda *_: True)

    def make(*_: str) -> str:
        seen.append(machine.busy())
        return "made"

    monkeypatch.setattr(comparing, "_make", make)
    assert comparing.make("a", "b") == "made"
    assert seen == [MAKING]
    assert machine.busy() == ""


def test_the_curves_of_the_run_of_now_are_there_while_the_series_goes_on(web: Pages) -> None:
    web.running.state = GOING
    spec = Spec(duration=4.0, rate=1.0, accounts=5, probes=False)
    write(web.results / "s" / "02-rate-limit", spec)
    (web.results / "s" / "02-rate-limit" / "end.json").unlink()
    told: Any = web.client.get("/attack/series/curves").json
    assert told["run"] == "02-rate-limit"
    assert web.client.get("/attack/series/curves", query_string={"drawn": told["key"]}).json is None
    web.running.state = SeriesNow("s", "suite", SUITE, exit_code=0)
    assert web.client.get("/attack/series/curves").json is None
    page = web.client.get("/attack/series").text
    assert 'data-curves="/attack/series/curves"' in page
    assert 'id="curves"' in page
