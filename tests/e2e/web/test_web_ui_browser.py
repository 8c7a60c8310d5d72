"""The web UI in a real browser: fill the form, watch the figures, read the verdict, run again, stop.

One run is watched on the attack page and on Locust's own; the tests after it are in this order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from common.paths import ROOT
from tests.support.browser_rig import VIEWS
from tests.support.web_ui_rig import WebUi, web_ui

pytestmark = pytest.mark.e2e

SHOTS: Final = ROOT / "test-artefacts"
RUN_WITHIN: Final = 90_000  # milliseconds, stack and verdict included
WIDE: Final = (1280, 800)


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebUi]:
    with web_ui(tmp_path_factory.mktemp("web-ui")) as running:
        yield running


def opened(browser: Browser, url: str, size: tuple[int, int] = WIDE, scheme: str = "light") -> Page:
    """A page; an error of its script fails the test."""
    width, height = size
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    page.goto(url)
    return page


def shot(page: Page, name: str) -> None:
    """Keep a picture for people."""
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"ui-{name}.png", full_page=True)


def start(page: Page, scenario: str, **fields: str) -> None:
    """Fill the form and press Start."""
    page.select_option("#scenario", scenario)
    for field in ("protect", "accounts", "rate", "duration"):
        page.fill(f"#{field}", fields.get(field, ""))
    page.click("#start")


def figure(page: Page, name: str) -> int:
    """A figure of the live part, as it stands there."""
    return int(page.inner_text(f"#{name}").replace(",", ""))


def climbs(page: Page, name: str, over: int) -> None:
    """Wait until a figure is over that; the page's policy lets the browser evaluate nothing."""
    for _ in range(RUN_WITHIN // 200):
        if figure(page, name) > over:
            return
        page.wait_for_timeout(200)
    raise AssertionError(f"{name} is {figure(page, name)}, not over {over}")


def until(page: Page, state: str) -> None:
    page.wait_for_selector(f"[data-state={state}]", timeout=RUN_WITHIN)


def verdicts(ui: WebUi) -> list[Any]:
    """Of every run, the oldest first."""
    files = ui.results.glob("*/verdicts.json")
    return [json.loads(file.read_text()) for file in sorted(files, key=lambda file: file.stat().st_mtime)]


def drawn(page: Page) -> Any:
    """What the page drew its curves from."""
    return page.evaluate("CURVES.told")


def grown(page: Page, bins: int) -> int:
    """Wait until the curves have so many bins; how many they have."""
    for _ in range(RUN_WITHIN // 200):
        told = drawn(page)
        if told and (have := len(told["charts"][0]["lines"][0]["y"])) >= bins:
            return have
        page.wait_for_timeout(200)
    raise AssertionError(f"not {bins} bins: {drawn(page)}")


def line(told: Any, chart: str, name: str) -> list[Any]:
    [found] = [one for one in told["charts"] if one["id"] == chart]
    return next(one["y"] for one in found["lines"] if one["name"] == name)


@dataclass
class Watched:
    """A run from the form: its page, Locust's own beside it, and what they showed meanwhile."""

    page: Page
    stock: Page
    bins: tuple[int, int, int]  # of the curves: the first look, some seconds later, after a reload
    figures: tuple[Any, Any]  # Locust's own, under way and at the end


@pytest.fixture(scope="module")
def watched(browser: Browser, ui: WebUi) -> Iterator[Watched]:
    """20 accounts of 7 calls a second for twelve seconds, of which 5 a second are let through."""
    page = opened(browser, f"{ui.url}/attack")
    start(page, "burst", accounts="20", rate="7", duration="12s", protect="")
    until(page, "sending")
    first = grown(page, 2)
    expect(page.locator("#start")).to_be_disabled()
    later = grown(page, first + 3)
    page.reload()
    after = grown(page, later)
    expect(page.locator("#target-rows tbody tr").first).to_contain_text("edge")
    shot(page, "sending")
    stock = opened(browser, f"{ui.url}/?tab=charts")
    climbs(page, "planned", 900)
    under_way = ui.json("/stats/requests")
    shot(stock, "charts")
    until(page, "finished")
    stock.wait_for_timeout(2500)  # Locust keeps an answer for two seconds
    yield Watched(page, stock, (first, later, after), (under_way, ui.json("/stats/requests")))
    stock.close()
    page.close()


def test_a_run_from_the_form_to_the_report(watched: Watched, ui: WebUi) -> None:
    page = watched.page
    assert figure(page, "planned") == 1680
    expect(page.locator("#verdict tbody tr").filter(has_text="P1.7")).to_have_count(1)
    expect(page.locator("#runs tbody tr")).to_have_count(1)
    shot(page, "verdict")
    with page.expect_popup() as popup:
        page.click(".report")
    popup.value.wait_for_selector("html[data-drawn=yes]", state="attached")
    assert popup.value.locator("h1").inner_text().lower() == verdicts(ui)[0]["verdict"]
    popup.value.close()


def test_the_curves_grow_survive_a_reload_and_add_up_to_the_ledger(watched: Watched, ui: WebUi) -> None:
    page, (first, later, after) = watched.page, watched.bins
    assert first <= 6, "the curves came late"
    assert after >= later >= first + 3
    told, folder = drawn(page), max(ui.results.glob("*burst*"), key=lambda one: one.stat().st_mtime)
    assert told["run"] == folder.name
    ends = [json.loads(file.read_text().splitlines()[-1]) for file in folder.glob("ledger-*.jsonl")]
    for key in ("planned", "sent", "done"):
        assert sum(line(told, "arrivals", key)) == sum(end[key] for end in ends) > 0
    refused = sum(line(told, "failures", "burst_exceeded"))
    assert refused == verdicts(ui)[-1]["refusals"]["burst_exceeded"] > 0
    assert line(told, "in-flight", "callers")[-1] == 0
    assert max(filter(None, line(told, "response", "p99"))) <= verdicts(ui)[-1]["response_ms"]["max"]
    bins = len(line(told, "arrivals", "planned"))
    shape = page.get_attribute("#chart-arrivals path.planned", "d") or ""
    assert len(re.findall("[ML]", shape)) == bins


def test_the_stock_charts_and_tabs_show_real_numbers(watched: Watched, ui: WebUi) -> None:
    (told, ended), stock = watched.figures, watched.stock
    assert told["current_rps"] > 20
    assert 0 < told["current_response_time_percentiles"]["response_time_percentile_0.5"] < 5000
    assert ended["stats"][-1]["num_requests"] == 1680
    for tab, text in (("Arrivals", "due by the schedule"), ("Target", "origin-a"), ("Verdict", "P1.7")):
        stock.get_by_role("tab", name=tab).click()
        expect(stock.locator("td", has_text=text).first).to_be_visible()
    stock.get_by_role("tab", name="Runs").click()
    expect(stock.locator("td", has_text=verdicts(ui)[-1]["run"]).first).to_be_visible()
    shot(stock, "runs")


def test_the_curves_are_read_by_keyboard(browser: Browser, ui: WebUi) -> None:
    page = opened(browser, f"{ui.url}/attack")
    last = grown(page, 3) - 1
    page.focus("#second")
    expect(page.locator("#curves output")).to_have_text(f"{last}")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#curves output")).to_have_text(f"{last - 1}")
    page.keyboard.press("Home")
    expect(page.locator("#curves output")).to_have_text("0")
    sent = line(drawn(page), "arrivals", "sent")[0]
    expect(page.locator("#chart-arrivals .legend .sent b")).to_have_text(f"{sent}")
    assert f"sent {sent}" in (page.get_attribute("#chart-arrivals svg", "aria-label") or "")
    page.close()


@pytest.mark.slow
def test_the_page_is_in_japanese_where_reports_are(browser: Browser, tmp_path: Path) -> None:
    with web_ui(tmp_path, env={"LANG_REPORT": "ja"}) as running:
        page = opened(browser, f"{running.url}/attack", (390, 800))
        expect(page.locator("html")).to_have_attribute("lang", "ja")
        expect(page.locator("#start")).to_have_text("開始する")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert axe(page) == []
        shot(page, "japanese")
        page.goto(f"{running.url}/attack/series")
        expect(page.locator("h1")).to_have_text("連続実行")
        page.close()


@pytest.mark.slow
def test_another_run_is_found_among_the_past_ones_and_is_no_equal_of_the_first(
    watched: Watched, ui: WebUi
) -> None:
    page = watched.page
    start(page, "single-burst", duration="3s", protect="none")
    until(page, "sending")
    until(page, "finished")
    expect(page.locator("#runs tbody tr")).to_have_count(2)
    shown = page.locator("#runs tbody tr:visible")
    page.select_option("#of-scenario", "burst")
    expect(shown).to_have_count(1)
    expect(shown).to_contain_text("burst")
    page.select_option("#of-verdict", "none")
    expect(shown).to_have_count(0)
    page.select_option("#of-scenario", "")
    page.select_option("#of-verdict", "")
    for box in page.locator("#runs input").all():
        expect(page.locator("#compare")).to_be_disabled()
        box.check()
    page.click("#compare")
    different = page.locator("#compared", has_text="scenario")  # these two are no one attack
    expect(different).to_be_visible(timeout=RUN_WITHIN)
    expect(page.locator("#comparison")).to_be_hidden()
    first, second = verdicts(ui)
    assert (first["scenario"], second["scenario"]) == ("burst", "single-burst")
    assert (first["preset"], second["preset"]) == ("today", "none")
    assert [run["arrivals"]["sent"] > 0 for run in (first, second)] == [True, True]
    assert first["stop_reason"] == second["stop_reason"] == "completed"


@pytest.mark.slow
def test_stop_ends_the_run_with_its_whole_report(browser: Browser, ui: WebUi) -> None:
    page = opened(browser, f"{ui.url}/attack")
    start(page, "burst", accounts="10", rate="1", duration="60s", protect="none")
    until(page, "sending")
    climbs(page, "sent", 10)
    page.click("#stop")
    until(page, "finished")
    expect(page.locator("#verdict")).to_contain_text("stopped by the web UI")
    run = verdicts(ui)[-1]
    assert run["stop_reason"] == "stopped by the web UI"
    assert 10 < run["arrivals"]["planned"] < 600
    assert run["arrivals"]["planned"] == run["arrivals"]["sent"] + run["arrivals"]["dropped"]
    expect(page.locator(".report")).to_be_visible()
    expect(page.locator("#start")).to_be_enabled()
    page.close()


@pytest.mark.slow
def test_a_suite_is_started_watched_and_stopped(browser: Browser, ui: WebUi) -> None:
    page = opened(browser, f"{ui.url}/attack/series")
    page.select_option("#command", "breakpoint")
    page.fill("#breakpoint-budget", "soon")
    page.click("#start")
    expect(page.get_by_role("alert")).to_contain_text("--budget: 'soon'", timeout=RUN_WITHIN)
    page.select_option("#command", "suite")
    expect(page.locator("#breakpoint-budget")).to_be_hidden()
    page.click("#start")
    until(page, "going")
    expect(page.locator("#live")).to_contain_text(re.compile("Run 1 of 3: single-burst.*left", re.DOTALL))
    expect(page.locator(".next")).to_have_text("Next: rate-limit, health")
    attack = opened(browser, f"{ui.url}/attack")
    expect(attack.locator(".busy")).to_contain_text("a series of runs is under way")
    expect(attack.locator("#start")).to_be_disabled()
    attack.close()
    expect(page.locator(".line")).to_contain_text(
        re.compile(r"\d s of \d+ s"), timeout=RUN_WITHIN
    )  # its load
    page.click("#stop")
    until(page, "finished")
    expect(page.locator(".state")).to_have_text("Finished: exit code 3")
    expect(page.locator("#runs tbody tr")).to_have_count(1)
    with page.expect_popup() as popup:
        page.click(".report")
    assert popup.value.locator("h1").inner_text() == "Invalid"
    popup.value.locator(".run h3 a").click()
    popup.value.get_by_role("link", name="part of suite phase1").click()
    expect(popup.value.locator(".run h3 a")).to_have_text("single-burst")
    page.close()


def test_bad_settings_are_told_in_both_forms(browser: Browser, ui: WebUi) -> None:
    page = opened(browser, f"{ui.url}/attack")
    runs = len(verdicts(ui))
    start(page, "burst", accounts="many")
    expect(page.get_by_role("alert")).to_contain_text("accounts: 'many'")
    shot(page, "refused")
    assert not page.locator("[data-going=yes]").count()
    assert len(verdicts(ui)) == runs
    page.close()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), VIEWS)
@pytest.mark.parametrize("path", ["/attack", "/attack/series"])
def test_it_reads_well_and_has_no_serious_fault(
    browser: Browser, ui: WebUi, path: str, width: int, scheme: str
) -> None:
    page = opened(browser, ui.url + path, (width, 800), scheme)
    if path.endswith("series"):
        page.locator("summary:visible").click()
    shot(page, f"{path.rpartition('/')[2]}-{width}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in axe(page)] == []
    page.close()


def axe(page: Page) -> list[Any]:
    """Serious faults; the page's policy lets no script in, so the checker comes past it."""
    session = page.context.new_cdp_session(page)
    session.send("Page.setBypassCSP", {"enabled": True})
    page.reload()
    found = Axe().run(page).response["violations"]
    return [one for one in found if one["impact"] in ("serious", "critical")]


def test_the_form_fills_in_what_the_scenario_would_do(browser: Browser, ui: WebUi) -> None:
    page = opened(browser, f"{ui.url}/attack")
    page.select_option("#scenario", "burst")
    assert page.get_attribute("#accounts", "placeholder") == "100"
    assert page.get_attribute("#duration", "placeholder") == "60s"
    page.select_option("#scenario", "agent-loop")
    assert page.get_attribute("#rate", "placeholder") == "5"
    assert re.search(r"\w", page.inner_text("#scenario-title"))
    page.close()


@pytest.mark.slow
def test_without_the_password_nothing_is_shown(browser: Browser, tmp_path: Path) -> None:
    with web_ui(tmp_path, env={"WEB_PASSWORD": "correct horse"}) as running:
        page = opened(browser, f"{running.url}/attack")
        page.wait_for_url("**/login**")
        page.fill("input[name=password]", "wrong horse")
        page.click("button[type=submit]")
        expect(page.get_by_text("That is not the password.")).to_be_visible()
        shot(page, "login")
        assert running.get("/stats/requests")[1].find("current_rps") < 0
        page.fill("input[name=password]", "correct horse")
        page.click("button[type=submit]")
        expect(page.locator("h1")).to_have_text("Resilience attacks")
        page.close()
