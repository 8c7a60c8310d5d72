"""A whole breakpoint search, from the plan to table and page, with made-up trials in place of real runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import breakpoint as command
from cli.search import protection_sets
from cli.search.drive import OVER, STOPPED, Budget
from cli.search.request import SearchRequest, read
from cli.search.search import search
from cli.search.table import Searches
from common.protections import NAMES, PRESETS, parse
from scenarios import calibration
from shapes.search import MACHINE, Kind, Search
from verdicts.breakpoint import table
from verdicts.breakpoint.table import BreakpointRow
from verdicts.breakpoint.trial import NoVerdictError, TrialOutcome

BREAKS = {"user-concurrency": 612.0, "global-concurrency": 3.0}
LIMIT = {"user-concurrency": "nano memory", "global-concurrency": "global-concurrency"}
Trial = Callable[[str, float], TrialOutcome | None]


def outcome(protect: str, rate: float, bears: float, limit: str) -> TrialOutcome:
    held = rate <= bears
    return TrialOutcome(
        rate=rate,
        verdict="pass" if held else "fail",
        limit="" if held else limit,
        bound="" if held else "kills is 1 (allowed == 0)",
        folder=f"{protect}-{rate:g}",
        in_flight=round(30 * min(rate, bears)),
        goroutines=20 + 2 * round(30 * min(rate, bears)),
        memory_mib=40.0 + 0.035 * round(30 * min(rate, bears)),
        success=100.0 if held else 80.0,
        cores=0.5,
    )


def gateway(protect: str, rate: float) -> TrialOutcome:
    """A nano that bears 203 req/s, and what each protection makes of it."""
    names = [name for name in BREAKS if name in parse(protect).names]
    bears = min((BREAKS[name] for name in names), default=203.0)
    return outcome(protect, rate, bears, LIMIT[names[-1]] if names else "nano memory")


def asked_for(tmp_path: Path, *words: str) -> SearchRequest:
    return read(command.parser().parse_args([*words, "--out", str(tmp_path / "table")]))


def searched(made: SearchRequest, trial: Trial) -> tuple[Searches, list[str]]:
    said: list[str] = []
    made.folder.mkdir(exist_ok=True)
    searches = Searches(made, trial, said.append)
    searches.run()
    searches.write()
    return searches, said


def only(searches: Searches) -> BreakpointRow:
    assert len(searches.rows) == 1
    return searches.rows[0]


def test_the_whole_table_has_a_row_for_everything(tmp_path: Path) -> None:
    searches, _ = searched(asked_for(tmp_path), gateway)
    rows = {row.protect: row for row in searches.ordered()}
    assert list(rows) == ["none", *NAMES, *[name for name in PRESETS if name != "none"]]
    for name, row in rows.items():
        bears = gateway(name, 1).rate and {**dict.fromkeys(rows, 203.0), **BREAKS}.get(name, 203.0)
        bears = 612.0 if name == "phase1" else 3.0 if name in ("phase2", "all") else bears
        assert row.lower is not None
        assert row.upper is not None
        assert row.lower <= bears < row.upper <= row.lower * 1.0501
        assert row.confirmed
    assert rows["all"].same_as == "phase2"
    assert not rows["all"].trials
    assert rows["global-concurrency"].limit == "global-concurrency"
    assert rows["phase1"].limit == "nano memory"


def test_a_row_like_its_neighbour_takes_four_trials(tmp_path: Path) -> None:
    searches, _ = searched(asked_for(tmp_path), gateway)
    rows = {row.protect: row for row in searches.rows}
    like_none = [name for name in NAMES if name not in BREAKS]
    assert {len(rows[name].trials) for name in [*like_none, "today", "phase1"]} == {4}


def test_files_and_words(tmp_path: Path) -> None:
    made = asked_for(tmp_path, "--protect", "none")
    row = only(searched(made, gateway)[0])
    found = json.loads((made.folder / table.FILE).read_text())
    assert (found["scenario"], found["target"], found["stopped"]) == ("slow-api-breakpoint", "bundled", "")
    assert [BreakpointRow.restore(one) for one in found["rows"]] == [row]
    page = (made.folder / table.PAGE).read_text()
    assert "http://" not in page.split("<script")[0]
    assert "5,000 × 18 KB = 90 MB" in page
    assert "12,288 goroutines, 6,134 calls" in page
    text = table.table([row])
    assert "nano memory" in text
    assert "kills is 1 (allowed == 0)" in text
    assert f"bears {row.lower:.4g} req/s" in table.sentence([row])
    assert table.markdown([row]).startswith("| protections |")
    least, most = found["rows"][0]["interval"]
    assert least < 203 < most < 1.6 * least
    assert f"{least:.3g} to {most:.3g}" in page


def test_what_this_machine_limited_is_tried_again_and_never_a_breakpoint(tmp_path: Path) -> None:
    asked: list[float] = []

    def slow_stack(protect: str, rate: float) -> TrialOutcome:
        asked.append(rate)
        return outcome(protect, rate, 250, MACHINE)

    searches, _ = searched(asked_for(tmp_path, "--protect", "none"), slow_stack)
    row = only(searches)
    assert (row.kind, row.limit, row.answered) == ("at least", MACHINE, True)
    assert row.answer.startswith("at least 2")
    assert all(asked.count(rate) == 2 for rate in asked if rate > 250)
    assert "breakpoint" not in row.answer


def test_a_noisy_moment_is_forgiven(tmp_path: Path) -> None:
    seen: list[float] = []

    def moody(protect: str, rate: float) -> TrialOutcome:
        seen.append(rate)
        if len(seen) == 1:
            return outcome(protect, rate, 0, MACHINE)
        return gateway(protect, rate)

    row = only(searched(asked_for(tmp_path, "--protect", "none"), moody)[0])
    assert row.lower is not None
    assert 190 < row.lower <= 203
    assert (row.kind, row.limit) == ("breakpoint", "nano memory")
    assert len(row.trials) == 5  # the doubtful one is shown too


def test_where_this_machine_bears_nothing_nothing_is_known(tmp_path: Path) -> None:
    searches, _ = searched(
        asked_for(tmp_path, "--protect", "none", "--low", "100"),
        lambda protect, rate: outcome(protect, rate, 0, MACHINE),
    )
    row = only(searches)
    assert (row.kind, row.answered, row.answer, row.limit) == ("none", False, "not known", MACHINE)
    assert table.sentence([row]) == "Nothing is known yet."


def test_a_run_without_verdict_is_tried_again_then_given_up(tmp_path: Path) -> None:
    asked: list[float] = []

    def broken(protect: str, rate: float) -> TrialOutcome:
        asked.append(rate)
        raise NoVerdictError("001-none-200 left no verdict")

    searches, said = searched(asked_for(tmp_path, "--protect", "none"), broken)
    row = only(searches)
    assert asked == [200, 200]
    assert (row.kind, row.note) == ("none", "001-none-200 left no verdict")
    assert "[1/1] none: 001-none-200 left no verdict" in said


def test_one_run_without_verdict_costs_nothing_but_time(tmp_path: Path) -> None:
    asked: list[float] = []

    def once(protect: str, rate: float) -> TrialOutcome:
        asked.append(rate)
        if len(asked) == 2:
            raise NoVerdictError("002 left no verdict")
        return gateway(protect, rate)

    row = only(searched(asked_for(tmp_path, "--protect", "none"), once)[0])
    assert (row.kind, row.confirmed, row.note) == ("breakpoint", True, "")


def stopping(after: int, trial: Trial = gateway) -> Trial:
    made: list[float] = []

    def stopped(protect: str, rate: float) -> TrialOutcome | None:
        made.append(rate)
        return None if len(made) > after else trial(protect, rate)

    return stopped


def test_a_stop_leaves_what_is_known(tmp_path: Path) -> None:
    made = asked_for(tmp_path)
    searches, _ = searched(made, stopping(after=5))
    assert [row.protect for row in searches.rows] == ["none", "worker-cpu"]
    first, second = searches.rows
    assert first.confirmed
    assert (second.kind, second.note, second.confirmed) == ("at least", STOPPED, False)
    assert json.loads((made.folder / table.FILE).read_text())["stopped"] == STOPPED
    assert STOPPED in (made.folder / table.PAGE).read_text()


def test_a_table_is_carried_on_where_it_ended(tmp_path: Path) -> None:
    searched(asked_for(tmp_path), stopping(after=5))
    made = asked_for(tmp_path)
    assert made.rows[0].protect == "none"
    asked: list[str] = []

    def noted(protect: str, rate: float) -> TrialOutcome:
        asked.append(protect)
        return gateway(protect, rate)

    searches, said = searched(made, noted)
    assert "none" not in asked
    assert "worker-cpu" in asked  # it had been stopped
    assert any("none: known already" in line for line in said)
    assert len(searches.rows) == len(protection_sets.rows())


def test_the_budget_ends_a_search_honestly(tmp_path: Path) -> None:
    clock = [0.0]

    def slow(protect: str, rate: float) -> TrialOutcome:
        clock[0] += 50
        return gateway(protect, rate)

    made = asked_for(tmp_path, "--protect", "none", "--budget", "130s", "--start", "150")
    made.folder.mkdir()
    searches = Searches(made, slow, lambda line: None)
    searches._budget.clock, searches._budget.began = lambda: clock[0], 0.0
    searches.run()
    row = only(searches)
    assert (row.kind, row.confirmed, row.note, len(row.trials)) == ("at least", False, OVER, 2)
    assert "at least" in row.answer
    assert OVER in row.cells()[-1]


def test_an_open_bracket_is_told_with_both_its_ends(
    tmp_path: Path, trials: list[Trial], capsys: pytest.CaptureFixture[str]
) -> None:
    """203, 213, 235, 286, 422 and 921 hold, 2000 does not, and then there is no time left."""
    trials[0] = stopping(after=7, trial=lambda protect, rate: outcome(protect, rate, 1000, "nano memory"))
    folder = tmp_path / "table"
    words = ["--protect", "none", "--start", "203", "--out", str(folder)]
    assert command.main(words) == 3
    assert "none: between 921.2 and 2000 (stopped)" in capsys.readouterr().out
    _, [row] = table.read(folder)
    assert (row.kind, row.answered, row.finished) == ("breakpoint", True, False)
    assert row.cells()[1] == row.answer == "between 921.2 and 2000"
    said = "between 921.2 and 2000 req/s, 27,637 in flight, then nano memory, not searched to its end"
    assert table.sentence([row]) == f"Without protection it bears {said}."
    assert said in (folder / table.PAGE).read_text()
    trials[0] = gateway
    assert command.main(words) == 0  # it is carried on
    assert "between" not in table.read(folder)[1][0].answer


def test_a_search_that_its_trials_did_not_suffice_is_not_over(
    tmp_path: Path, trials: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.search.table.MAX_TRIALS", 4)
    trials[0] = lambda protect, rate: outcome(protect, rate, 1000, "nano memory")
    assert command.main(["--protect", "none", "--out", str(tmp_path / "table")]) == 3
    _, [row] = table.read(tmp_path / "table")
    assert row.note == "4 trials were not enough"
    monkeypatch.setattr("cli.search.table.MAX_TRIALS", 20)
    assert command.main(["--protect", "none", "--out", str(tmp_path / "table")]) == 0


def test_only_what_was_searched_to_its_end_is_compared() -> None:
    def row(protect: str, kind: Kind, lower: float, note: str = "") -> BreakpointRow:
        return BreakpointRow(protect, kind, lower, 2 * lower, True, "nano CPU", (), note)

    base, more = row("none", "breakpoint", 100), row("phase1", "at least", 280)
    least = row("all", "breakpoint", 5)
    early = row("today", "breakpoint", 900, OVER)
    assert table.sentence([base, more, least, early]) == (
        "Without protection it bears 100 req/s, then nano CPU. "
        "The most is bought by phase1: at least 2.8 times as much, at least 280 req/s, then nano CPU; "
        "the least by all: 0.05 times as much, 5 req/s, then nano CPU."
    )
    unknown = replace(base, kind="at least")
    assert "times" not in table.sentence([unknown, more, least])
    assert "The most" not in table.sentence([replace(base, note=OVER), more, least])


@given(st.floats(0.6, 1900), st.sampled_from(["nano memory", "breaker", "nano CPU"]))
def test_any_breakpoint_is_found(bears: float, limit: str) -> None:
    machine = Search(0.5, 2000, start=200, tolerance=0.05, growth=4, max_trials=20)
    budget = Budget(3600, 1, lambda: 0.0)
    row = search("none", machine, lambda rate: outcome("none", rate, bears, limit), budget, lambda line: None)
    assert row.lower is not None
    assert row.upper is not None
    assert row.lower <= bears < row.upper <= row.lower * 1.0501
    assert row.limit == limit


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--low", "x"], "command line: --low: x, allowed: a number from 0.001 to 2000"),
        (["--high", "0.1"], "command line: --high: 0.1, allowed: a number from 0.5 to 100000"),
        (["--start", "3000"], "command line: --start: 3000, allowed: a number from 0.5 to 2000"),
        (["--tolerance", "nan"], "command line: --tolerance: nan, allowed: a number from 0.001 to 1"),
        (["--budget", "0s"], "command line: --budget: '0s', allowed: a duration"),
        (["--budget", "soon"], "command line: --budget: 'soon', allowed: a duration"),
        (["--protect", "brick-wall"], "command line: protect: unknown protection 'brick-wall'"),
        (["--tier", "gold"], "command line: spammers: accounts.tier: 'gold', allowed: "),
        (["nowhere"], "scenario: 'nowhere' is not there"),
        (["--target", "targets/none-such.yaml"], "targets/none-such.yaml"),
        (["--workers", "many"], "command line: --workers: 'many'"),
        (["--out", "."], "command line: --out: "),
        (["--frobnicate"], "command line: unrecognized arguments: --frobnicate"),
    ],
)
def test_bad_usage_is_one_line(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(words) == 2
    said = capsys.readouterr()
    assert said.err.startswith(line)
    assert len(said.err.splitlines()) == 1
    assert not said.out


@pytest.fixture
def nothing_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is let through."""
    monkeypatch.setattr(command, "Attacks", None)


@pytest.mark.usefixtures("nothing_begins")
def test_a_table_of_another_search_is_not_carried_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "nano", lambda: {"measured_on": "here"})
    searched(asked_for(tmp_path, "--protect", "none"), gateway)
    others = {
        "scenario": ["slow-api"], "tier": ["--tier", "starter"], "duration_s": ["--duration", "40s"],
        "seed": ["--seed", "2"], "tolerance": ["--tolerance", "0.2"], "stack": ["--stack", "real"],
        "nano_kind": ["--stack", "fakes", "--nano", "calibrated"],
    }  # fmt: skip
    for key, words in others.items():
        assert command.main([*words, "--out", str(tmp_path / "table")]) == 2
        said = capsys.readouterr().err
        assert f"table is of {key} " in said
        assert "allowed: a new folder, or one with a breakpoint.json" in said


@pytest.mark.usefixtures("nothing_begins")
def test_a_table_of_the_scenario_as_it_was_is_not_carried_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.yaml"
    text = "extends: slow-api-breakpoint\ntitle: {title}\nstack: {{nano: {{memory_limit: {limit}}}}}\n"
    file.write_text(text.format(title="Mine", limit=64_909_312))
    searched(asked_for(tmp_path, str(file), "--protect", "none"), gateway)
    file.write_text(text.format(title="Renamed", limit=64_909_312))
    assert asked_for(tmp_path, str(file), "--protect", "phase1").rows
    assert asked_for(tmp_path, str(file)).rows
    file.write_text(text.format(title="Mine", limit=268_435_456))
    assert command.main([str(file), "--protect", "none", "--out", str(tmp_path / "table")]) == 2
    assert "table is of scenario_digest '" in capsys.readouterr().err


@pytest.mark.usefixtures("nothing_begins")
def test_nor_is_one_of_a_nano_that_was_measured_to_be_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = {"measured_on": "here", "cpu_per_request": 0.004}
    monkeypatch.setattr(calibration, "nano", lambda: measured)
    words = ["--stack", "fakes", "--nano", "calibrated", "--protect", "none"]
    searched(asked_for(tmp_path, *words), gateway)
    assert asked_for(tmp_path, *words).rows
    measured["cpu_per_request"] = 0.005
    assert command.main([*words, "--out", str(tmp_path / "table")]) == 2
    assert "table is of scenario_digest '" in capsys.readouterr().err


def test_a_row_that_ended_at_the_end_of_its_range_is_searched_on_in_a_wider_one(tmp_path: Path) -> None:
    def found(*words: str) -> BreakpointRow:
        return only(searched(asked_for(tmp_path, "--protect", "none", *words), gateway)[0])

    assert found("--low", "50", "--high", "100").answer == "at least 100"
    assert found("--low", "50", "--high", "90").answer == "at least 100"
    row = found("--low", "300", "--high", "600")
    assert row.answer == "below 300"
    assert found("--low", "400", "--high", "600") == row
    row = found("--low", "50", "--high", "600")
    assert row.lower is not None
    assert 190 < row.lower <= 203
    assert found("--low", "50", "--high", "1000") == row


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[1]", '{"schema_version": 1, "rows": []}', '{"schema_version": 1, "rows": {}}',
        "[" * 100_000,
        '{"schema_version": 1, "rows": [{"protect": "none", "kind": "below", "lower": "x", "upper": 1, '
        '"confirmed": true, "limit": "", "trials": []}]}',
    ],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_a_file_of_another_shape_is_not_carried_on(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / table.FILE).write_text(text)
    assert command.main(["--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "allowed: a new folder, or one with a breakpoint.json" in said
    assert said.count("\n") == 1


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[Trial]:
    """The trials that `main` makes: the first of the list."""
    chosen: list[Trial] = [gateway]
    monkeypatch.setattr(command, "Trials", lambda *_: chosen[0])
    return chosen


def test_exit_codes(tmp_path: Path, trials: list[Trial], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--protect", "none", "--out", str(tmp_path / "known")]) == 0
    assert "page: " in capsys.readouterr().out
    trials[0] = lambda protect, rate: outcome(protect, rate, 250, MACHINE)
    assert command.main(["--protect", "none", "--out", str(tmp_path / "at-least")]) == 0
    trials[0] = lambda protect, rate: outcome(protect, rate, 0, MACHINE)
    assert command.main(["--protect", "none", "--out", str(tmp_path / "unknown")]) == 3
    trials[0] = stopping(after=2)
    assert command.main(["--out", str(tmp_path / "stopped")]) == 3
    assert (tmp_path / "stopped" / table.PAGE).exists()


@pytest.mark.parametrize(
    ("words", "files"),
    [
        ([], "the edge holds 2 for a call: at most "),
        (["--stack", "fakes,origin=real"], "the edge holds 2 for a call: at most "),
        (["--stack", "real"], "the Worker holds 4 for a call, in as many processes as each trial's log says"),
    ],
)
def test_open_files_are_those_of_the_edge_that_is_searched(
    tmp_path: Path, trials: list[Trial], capsys: pytest.CaptureFixture[str], words: list[str], files: str
) -> None:
    assert command.main(["--protect", "none", *words, "--out", str(tmp_path / "table")]) == 0
    said = capsys.readouterr().out
    assert "open files: " in said
    assert files in said
