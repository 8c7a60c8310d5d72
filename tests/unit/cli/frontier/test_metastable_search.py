"""A whole search for metastable states, from the command line to its page, with made-up trials."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from cli import metastable as command
from cli.frontier.request import FrontierRequest, read
from cli.frontier.rows import StormRows
from cli.frontier.storms import StormPolicy
from cli.launch import series
from cli.search.drive import OVER, STOPPED
from common.errors import ConfigError
from shapes.frontier import search
from shapes.frontier.bisection import Bisection
from shapes.frontier.search import StormPoint
from telemetry.run_folder.series import SeriesStep
from tests.support import made_storm
from verdicts.__main__ import main as report
from verdicts.breakpoint.trial import NoVerdictError
from verdicts.language.words import ENGLISH
from verdicts.metastable import metastable_file, wording
from verdicts.metastable.answer import answers
from verdicts.metastable.metastable_file import PAGE, MetastableFile, StormTrial

Trials = Callable[[StormPolicy, StormPoint], StormTrial | None]


def outcome(policy: StormPolicy, point: StormPoint, number: int = 1) -> StormTrial:
    back = made_storm.comes_back(policy.agents)(point)
    return StormTrial(
        load=point.load, length=point.length, back=back, seconds=3.0 if back else None, before=1.0,
        goodput=0.4 if back else 0.0, amplification=1.0 if back else 5.0,
        kept_down="" if back else "queue, repeats", folder=f"storm-{number:03d}", took_s=50.0,
    )  # fmt: skip


class Made:
    """Trials of the made storm; each takes `took` seconds of `clock`."""

    def __init__(self, took: float = 50.0, stop_after: int = 10_000) -> None:
        self.asked: list[tuple[StormPolicy, StormPoint]] = []
        self.clock, self._took, self._stop_after = [0.0], took, stop_after

    def __call__(self, policy: StormPolicy, point: StormPoint) -> StormTrial | None:
        self.clock[0] += self._took
        if len(self.asked) >= self._stop_after:
            return None
        self.asked.append((policy, point))
        return outcome(policy, point, len(self.asked))


def asked_for(folder: Path, *words: str) -> FrontierRequest:
    return read(command.parser().parse_args(["--out", str(folder), *words]))


def searched(folder: Path, trials: Trials, *words: str, clock: list[float] | None = None) -> MetastableFile:
    request = asked_for(folder, *words)
    request.folder.mkdir(exist_ok=True)
    steps = [SeriesStep(name=policy.name) for policy in request.rows]
    progress = series.begin(request.folder, "metastable", "", PAGE, steps, request.budget)
    moment = clock or [0.0]
    rows = StormRows(request, trials, lambda line: None, progress, clock=lambda: moment[0])
    rows.run()
    rows.write()
    return rows.document()


def test_the_naive_are_kept_down_and_the_control_is_not(tmp_path: Path) -> None:
    made = Made()
    found = searched(tmp_path / "m", made)
    states = {row.row.agents: row.state for row in answers(found)}
    assert states == {"naive": "some", "polite": "none", "no-retries": "none"}
    assert [len(row.trials) for row in found.rows][1:] == [2, 2], "the corner twice, no more"
    assert all(row.finished for row in answers(found))
    naive = answers(found)[0]
    for line in naive.lines:
        assert line.found.confirmed
        assert line.found.lower is not None
        assert line.found.upper is not None
        assert line.found.upper <= line.found.lower * 1.1 * 1.02
    assert metastable_file.read(tmp_path / "m").rows == found.rows


def test_the_page_has_map_table_and_trials_in_both_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    searched(tmp_path / "m", Made())
    page = (tmp_path / "m" / PAGE).read_text()
    assert "There are loads and triggers from which it does not come back" in page
    assert "At a trigger of 20 s it comes back up to " in page
    assert '"symbol":"circle-open"' in page
    assert "storm-001/report.html" in page
    assert "http://" not in page.split("<script")[0]
    monkeypatch.setenv("LANG_REPORT", "ja")
    assert report([str(tmp_path / "m")]) == 0
    japanese = (tmp_path / "m" / PAGE).read_text()
    assert '<html lang="ja">' in japanese
    assert "引き金が消えても復旧しない負荷と停止時間がある" in japanese
    assert "naive, today: At a trigger of 20 s" in capsys.readouterr().out


def test_a_stop_leaves_what_is_known_and_no_trial_is_made_twice(tmp_path: Path) -> None:
    first = Made(stop_after=5)
    found = searched(tmp_path / "m", first)
    assert [row.note for row in found.rows] == [STOPPED]
    assert len(found.rows[0].trials) == 5
    assert not answers(found)[0].finished
    second = Made()
    searched(tmp_path / "m", second)
    alone = Made()
    searched(tmp_path / "alone", alone)
    assert first.asked + second.asked == alone.asked


def test_even_from_is_said_where_less_was_tried(tmp_path: Path) -> None:
    def never(policy: StormPolicy, point: StormPoint) -> StormTrial:
        return replace(outcome(policy, point), back=False, seconds=None)

    one = [
        searched(tmp_path / "one", Made(stop_after=1), "--agents", "naive"),
        searched(tmp_path / "all", never),
    ]
    early, whole = ([wording.sentence(line, ENGLISH) for line in answers(found)[0].lines] for found in one)
    assert early == [
        "At a trigger of 20 s it does not come back from 90 %; less was not tried. Not confirmed."
    ]
    assert whole[0] == "At a trigger of 20 s it does not come back even from 10 %."


def test_a_line_that_its_trials_did_not_suffice_is_not_searched_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "Bisection", partial(Bisection, max_trials=2))
    found = searched(tmp_path / "m", Made(), "--agents", "naive")
    assert not answers(found)[0].finished


def test_a_search_that_is_over_makes_nothing_more_and_takes_other_lines(tmp_path: Path) -> None:
    searched(tmp_path / "m", Made(), "--agents", "naive")
    again = Made()
    searched(tmp_path / "m", again, "--agents", "naive")
    assert again.asked == []
    found = searched(tmp_path / "m", again, "--agents", "naive", "--loads", "90%,60%,75%")
    assert {point.load for _, point in again.asked} == {0.75}
    assert len(answers(found)[0].lines) == 4


def test_the_budget_ends_it_and_a_larger_one_carries_on(tmp_path: Path) -> None:
    made = Made()
    found = searched(tmp_path / "m", made, "--budget", "10m", clock=made.clock)
    assert made.clock[0] <= 600
    assert found.rows[0].note == OVER
    assert all(row.note == OVER for row in found.rows)
    more, alone = Made(), Made()
    found = searched(tmp_path / "m", more, "--budget", "400m", clock=more.clock)
    assert all(row.note == "" for row in found.rows)
    searched(tmp_path / "alone", alone)
    assert made.asked + more.asked == alone.asked


def test_what_proves_nothing_is_tried_again_then_told(tmp_path: Path) -> None:
    def never(policy: StormPolicy, point: StormPoint) -> StormTrial:
        raise NoVerdictError("storm-001 proves nothing: its edge answered 40 % of the scrapes")

    found = searched(tmp_path / "m", never, "--agents", "naive")
    assert len(found.rows[0].aside) == 3
    assert "its edge answered 40 %" in found.rows[0].note
    assert answers(found)[0].state == "unknown"
    assert "its edge answered 40 %" in (tmp_path / "m" / PAGE).read_text()


def test_one_bad_trial_costs_nothing_but_time(tmp_path: Path) -> None:
    made = Made()
    bad = iter([True])

    def moody(policy: StormPolicy, point: StormPoint) -> StormTrial | None:
        if next(bad, False):
            raise NoVerdictError("storm-001 left no verdict")
        return made(policy, point)

    found = searched(tmp_path / "m", moody, "--agents", "polite")
    assert (answers(found)[0].state, found.rows[0].aside) == ("none", ("storm-001 left no verdict",))


def test_rows_are_every_set_under_every_policy(tmp_path: Path) -> None:
    rows = asked_for(
        tmp_path / "m", "--protect", "none/today, load-shedding", "--agents", "naive, polite"
    ).rows
    assert rows == [
        ("none", "naive"), ("none", "polite"),
        ("today,load-shedding", "naive"), ("today,load-shedding", "polite"),
    ]  # fmt: skip


def test_what_a_load_of_one_is(tmp_path: Path) -> None:
    assert asked_for(tmp_path / "m").capacity == pytest.approx(10), "0.1 vCPU by 10 ms"
    assert asked_for(tmp_path / "m", "--capacity", "40").capacity == 40
    stored = tmp_path / "b"
    stored.mkdir()
    row = {
        "protect": "none", "kind": "breakpoint", "lower": 33.0, "upper": 34.0, "confirmed": True, "limit": "",
        "trials": [],
    }  # fmt: skip
    for other in ({"kind": "at least"}, {"note": OVER}):
        (stored / "breakpoint.json").write_text(json.dumps({"schema_version": 1, "rows": [{**row, **other}]}))
        with pytest.raises(ConfigError, match="has the breakpoint of today or none"):
            asked_for(tmp_path / "m", "--capacity", str(stored))
    (stored / "breakpoint.json").write_text(json.dumps({"schema_version": 1, "rows": [row]}))
    found = asked_for(tmp_path / "m", "--capacity", str(stored))
    assert (found.capacity, found.capacity_of) == (33.0, "a breakpoint search")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--agents", "rude"], "command line: --agents: 'rude', allowed: naive, polite, sdk-python"),
        (["--agents", "stuck-loop"], "command line: --agents: 'stuck-loop', allowed: "),
        (["--loads", "90%,lots"], "command line: --loads: '90%,lots', "),
        (["--loads", "120%"], "command line: --loads: '120%', allowed: shares from 15% to 99%, by comma"),
        (["--lengths", "1s"], "command line: --lengths: '1s', allowed: durations from 2 s to 300 s"),
        (["--lengths", "soon"], "command line: --lengths: 'soon', allowed: durations from 2 s to 300 s"),
        (["--capacity", "much"], "command line: --capacity: much, allowed: a number from 1 to 100000"),
        (["--capacity", "."], "command line: --capacity: '.', allowed: a folder whose breakpoint.json has"),
        (["--tolerance", "0"], "command line: --tolerance: 0, allowed: a number from 0.02 to 1"),
        (["--duration-scale", "0.5"], "command line: --duration-scale: 0.5, allowed: a number from 1 to 60"),
        (["--budget", "0s"], "command line: --budget: '0s', allowed: a duration"),
        (["--protect", "today/moat"], "command line: protect: unknown protection 'moat'"),
        (["--stack", "fakes,origin=real"], "command line: --capacity: is missing, and no model says it here"),
        (
            ["burst"],
            "scenarios/p1/burst.yaml: groups: users (caller), allowed: one group of the persona agent",
        ),
        (["agent-loop"], "scenarios/p0/agent-loop.yaml: persona.options.deadline: is missing"),
        (["nowhere"], "scenario: 'nowhere' is not there"),
        (
            ["--target", "targets/example.yaml"],
            "command line: --target: no fault can be made there from here",
        ),
        (["--out", "."], "command line: --out: "),
        (["--frobnicate"], "command line: unrecognized arguments: --frobnicate"),
    ],
)
def test_bad_usage_is_one_line(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "Attacks", None)  # nothing begins, whatever is let through
    assert command.main(words) == 2
    said = capsys.readouterr()
    assert said.err.startswith(line)
    assert len(said.err.splitlines()) == 1
    assert not said.out


def test_a_folder_of_another_search_is_refused(tmp_path: Path) -> None:
    searched(tmp_path / "m", Made(), "--agents", "polite")
    for words in (["--capacity", "30"], ["--seed", "3"], ["--duration-scale", "2"]):
        with pytest.raises(ConfigError, match=r"allowed: a new folder, or one with a metastable\.json"):
            asked_for(tmp_path / "m", *words)


def test_a_folder_of_the_scenario_as_it_was_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    text = "extends: retry-storm-frontier\ntitle: Mine\nstack: {nano: {restart: %s}}\n"
    file.write_text(text % 2)
    searched(tmp_path / "m", Made(), "--agents", "polite", str(file))
    asked_for(tmp_path / "m", str(file))
    file.write_text(text % 3)
    with pytest.raises(ConfigError, match="is of scenario_digest "):
        asked_for(tmp_path / "m", str(file))


def test_exit_codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen: list[Made] = [Made()]
    monkeypatch.setattr(command, "StormTrials", lambda *_: chosen[0])
    assert command.main(["--out", str(tmp_path / "known")]) == 0
    said = capsys.readouterr().out
    assert "Kept down by its own repeats: naive, today." in said
    assert "Not up to a load of 90 % and a trigger of 20 s: polite, today; no-retries, today." in said
    assert "page: " in said
    chosen[0] = Made(stop_after=3)
    assert command.main(["--out", str(tmp_path / "stopped")]) == 3
