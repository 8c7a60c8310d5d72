"""The page of a comparison in a real browser: light and dark, phone and desk, offline, by keyboard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.web.test_report_browser import opened
from tests.support.browser_rig import VIEWS, reads_well
from tests.support.compare_runs import SPEC, runs
from verdicts.compare.comparison import Side, compare
from verdicts.output import compare_files

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compare")
    a = runs(folder / "a", range(0, 8, 2))
    b = runs(folder / "b", range(1, 8, 2), replace(SPEC, chances={"burst_exceeded": 0.2}), slower=1.6)
    found = compare(Side("A", "none", a), Side("B", "burst-limit", b), interleaved=True)
    compare_files.write(folder, found, "make compare …", [("invalid/a-1", "700 of 1,200 late")])
    return folder / "compare.html"


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_it_reads_well_and_has_no_serious_fault(
    browser: Browser, page_file: Path, width: int, scheme: str
) -> None:
    page = opened(browser, page_file, width, scheme)
    reads_well(page, f"compare-{width}-{scheme}")
    page.context.close()


def test_the_first_screen_says_the_verdict(browser: Browser, page_file: Path) -> None:
    page = opened(browser, page_file)
    assert page.locator("h1").inner_text() == "B: 1 better, 6 worse"
    for element in (page.locator("h1"), page.locator(".sentence"), page.locator(".cards")):
        box = element.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 800
    assert page.locator(".card .answer").all_inner_texts() == ["1 figure", "6 figures", "2 figures"]
    page.context.close()


def test_every_plot_has_both_sides_and_its_numbers_as_text(browser: Browser, page_file: Path) -> None:
    page = opened(browser, page_file)
    figures = page.locator("figure").all()
    assert len(figures) == 9
    for figure in figures:
        assert figure.locator(".legend .traces").count() == 2
        assert figure.locator(".scatterlayer .trace").count() == 10  # four runs and a median a side
        figure.locator("details summary").click()
        header = figure.locator("thead th").all_inner_texts()
        assert header[-2:] == ["A: median", "B: median"]
        assert figure.locator("tbody tr").count() >= 10
    page.context.close()


def test_the_keyboard_reaches_the_figures_and_the_values_of_each_run(
    browser: Browser, page_file: Path
) -> None:
    page = opened(browser, page_file)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**#figures")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText").startswith("Each run")
    page.keyboard.press("Enter")
    assert page.locator("#peak details tbody tr").count() == 4
    page.context.close()


def test_without_script_the_table_is_still_there(browser: Browser, page_file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert page.locator("#success .status").inner_text() == "worse"
    context.close()
