"""The report in a real browser: light and dark, phone and desk, offline, by keyboard, for a screen reader.

One visit of each language's report: the tests go through it in this order, each in the view that it asks for.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser_rig import OTHER_VIEWS, VIEWS, drawn, reads_well, viewed
from tests.support.synthetic_run import Spec, write
from verdicts.output.files import derive

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = Spec(duration=20.0, accounts=50, fault=(8.0, 12.0, "db_error"), extra=10)
    folder = write(tmp_path_factory.mktemp("report") / "run", spec)
    derive(folder, quiet=True)
    return folder / "report.html"


@pytest.fixture(scope="module")
def page(browser: Browser, report: Path) -> Iterator[Page]:
    page = drawn(browser, report)
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def japanese(browser: Browser, report: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("japanese") / "run"
    shutil.copytree(report.parent, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANG_REPORT", "ja")
        derive(folder, quiet=True)
    page = drawn(browser, folder / "report.html")
    yield page
    page.context.close()


def test_the_first_screen_answers(page: Page) -> None:
    viewed(page)
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


def test_the_keyboard_reaches_answers_and_tables(page: Page) -> None:
    viewed(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_url("**#answers")  # the url reaches the test a moment after the page has it
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open") is True


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_it_reads_well_and_has_no_serious_fault(page: Page, width: int, scheme: str) -> None:
    reads_well(viewed(page, width, scheme), f"report-{width}-{scheme}")


def test_the_first_screen_of_a_phone_says_the_same_in_words(page: Page) -> None:
    sentence = viewed(page, 390, "dark").locator(".sentence")
    box = sentence.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 800
    for words in ("The attack arrived", "the target did not hold", "First to break: db_error at 8.0 s"):
        assert words in sentence.inner_text()


def test_colours_follow_the_theme(page: Page) -> None:
    ink = "document.querySelector('#plot-arrivals .xtick text').style.fill"
    dark = viewed(page, 1280, "dark").evaluate(ink)
    page.emulate_media(color_scheme="light")
    for _ in range(100):
        if page.evaluate(ink) != dark:
            break
        page.wait_for_timeout(100)
    assert page.evaluate(ink) != dark


def test_every_plot_is_drawn_and_tells_its_numbers_as_text(page: Page) -> None:
    figures = viewed(page).locator("figure").all()
    assert len(figures) == 10
    for figure in figures:
        assert figure.locator(".plot svg.main-svg").count() > 0
        assert figure.locator(".plot").get_attribute("aria-describedby")
        assert re.search(r"\d", figure.locator("figcaption p").inner_text())
        figure.locator("details summary").click()
        assert figure.locator("tbody tr").count() > 10


def test_hover_shows_exact_values_and_zoom_moves_all_plots(page: Page) -> None:
    plot = viewed(page).locator("#plot-response")
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


@pytest.mark.slow
def test_print_is_light_and_holds_everything(page: Page) -> None:
    viewed(page, 1280, "dark").emulate_media(media="print", color_scheme="dark")
    page.wait_for_timeout(500)
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    for figure in page.locator("figure").all():
        outer, plot = figure.bounding_box(), figure.locator("svg.main-svg").first.bounding_box()
        assert outer is not None
        assert plot is not None
        assert plot["x"] + plot["width"] <= outer["x"] + outer["width"] + 1
    assert len(page.pdf()) > 20_000


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), OTHER_VIEWS)
def test_it_reads_as_well_in_japanese(japanese: Page, width: int, scheme: str) -> None:
    reads_well(viewed(japanese, width, scheme), f"report-ja-{width}-{scheme}")
    assert japanese.locator(".card h2").all_inner_texts()[1] == "ターゲットは耐えたか"
    assert japanese.locator(".evidence").first.get_attribute("lang") == "en"


def test_without_script_the_answers_are_still_there(browser: Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("h1").inner_text() == "Fail"
    assert page.locator("table.points").is_visible()
    context.close()
