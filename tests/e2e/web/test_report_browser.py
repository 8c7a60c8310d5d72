"""The report in a real browser: light and dark, phone and desk, offline, by keyboard, for a screen reader."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support import browser_rig
from tests.support.browser_rig import VIEWS, reads_well
from tests.support.synthetic_run import Spec, write
from verdicts.output.files import derive

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = Spec(duration=20.0, accounts=50, fault=(8.0, 12.0, "db_error"), extra=10)
    folder = write(tmp_path_factory.mktemp("report") / "run", spec)
    derive(folder, quiet=True)
    return folder / "report.html"


def opened(browser: Browser, report: Path, width: int = 1280, scheme: str = "light") -> Page:
    """The report with its plots drawn."""
    page = browser_rig.opened(browser, report, width, scheme)
    page.wait_for_selector("html[data-drawn=yes]", state="attached")
    return page


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_it_reads_well_and_has_no_serious_fault(
    browser: Browser, report: Path, width: int, scheme: str
) -> None:
    page = opened(browser, report, width, scheme)
    reads_well(page, f"report-{width}-{scheme}")
    page.context.close()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_it_reads_as_well_in_japanese(
    browser: Browser, report: Path, monkeypatch: pytest.MonkeyPatch, width: int, scheme: str, tmp_path: Path
) -> None:
    monkeypatch.setenv("LANG_REPORT", "ja")
    folder = tmp_path / "run"
    shutil.copytree(report.parent, folder)
    derive(folder, quiet=True)
    page = opened(browser, folder / "report.html", width, scheme)
    reads_well(page, f"report-ja-{width}-{scheme}")
    assert page.locator(".card h2").all_inner_texts()[1] == "ターゲットは耐えたか"
    assert page.locator(".evidence").first.get_attribute("lang") == "en"
    page.context.close()


def test_the_first_screen_answers(browser: Browser, report: Path) -> None:
    page = opened(browser, report, 1280)
    first = [page.locator("h1"), page.locator(".sentence"), *page.locator(".card").all()]
    for element in first:
        box = element.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 800
    assert page.locator("h1").inner_text() == "Fail"
    assert page.locator(".card h2").all_inner_texts() == [
        "Did the attack arrive?",
        "Did the target hold?",
        "What broke first?",
    ]
    page.context.close()


def test_the_first_screen_of_a_phone_says_the_same_in_words(browser: Browser, report: Path) -> None:
    page = opened(browser, report, 390)
    sentence = page.locator(".sentence")
    box = sentence.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 800
    for words in ("The attack arrived", "the target did not hold", "First to break: db_error at 8.0 s"):
        assert words in sentence.inner_text()
    page.context.close()


def test_every_plot_is_drawn_and_tells_its_numbers_as_text(browser: Browser, report: Path) -> None:
    page = opened(browser, report)
    figures = page.locator("figure").all()
    assert len(figures) == 10
    for figure in figures:
        assert figure.locator(".plot svg.main-svg").count() > 0
        assert figure.locator(".plot").get_attribute("aria-describedby")
        assert re.search(r"\d", figure.locator("figcaption p").inner_text())
        figure.locator("details summary").click()
        assert figure.locator("tbody tr").count() > 10
    page.context.close()


def test_colours_follow_the_theme(browser: Browser, report: Path) -> None:
    page = opened(browser, report, scheme="light")
    ink = "document.querySelector('#plot-arrivals .xtick text').style.fill"
    light = page.evaluate(ink)
    page.emulate_media(color_scheme="dark")
    for _ in range(100):
        if page.evaluate(ink) != light:
            break
        page.wait_for_timeout(100)
    assert page.evaluate(ink) != light
    page.context.close()


def test_hover_shows_exact_values_and_zoom_moves_all_plots(browser: Browser, report: Path) -> None:
    page = opened(browser, report)
    plot = page.locator("#plot-response")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.3, middle)
    page.wait_for_selector("#plot-response .hoverlayer text")
    assert "p95" in (page.locator("#plot-response .hoverlayer").text_content() or "")
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=5)
    page.mouse.up()
    page.wait_for_timeout(500)
    ranges = [
        page.evaluate(f"document.getElementById('plot-{name}').layout.xaxis.range")
        for name in ("response", "cpu")
    ]
    assert ranges[0] == ranges[1]
    assert ranges[0][0] > 0
    page.context.close()


def test_the_keyboard_reaches_answers_and_tables(browser: Browser, report: Path) -> None:
    page = opened(browser, report)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_url("**#answers")  # the url reaches the test a moment after the page has it
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open") is True
    page.context.close()


def test_print_is_light_and_holds_everything(browser: Browser, report: Path) -> None:
    page = opened(browser, report, scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_timeout(500)
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    for figure in page.locator("figure").all():
        outer, plot = figure.bounding_box(), figure.locator("svg.main-svg").first.bounding_box()
        assert outer is not None
        assert plot is not None
        assert plot["x"] + plot["width"] <= outer["x"] + outer["width"] + 1
    assert len(page.pdf()) > 20_000
    page.context.close()


def test_without_script_the_answers_are_still_there(browser: Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("h1").inner_text() == "Fail"
    assert page.locator("table.points").is_visible()
    context.close()
