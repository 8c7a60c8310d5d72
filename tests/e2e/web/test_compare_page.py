"""The page of a comparison in a real browser: light and dark, phone and desk, offline, by keyboard.

One visit: the tests go through it in this order, each in the view that it asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser_rig import VIEWS, drawn, reads_well, viewed
from tests.support.compare_runs import SPEC, runs
from verdicts.compare.comparison import Side, compare
from verdicts.output import compare_files

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compare")
    a = runs(folder / "a", range(0, 8, 2))
    b = runs(folder / "b", range(1, 8, 2), replace(SPEC, chances={"burst_exceeded": 0.2}), slower=1.6)
    found = compare(Side("A", "none", a), Side("B", "burst-limit", b), interleaved=True)
    compare_files.write(folder, found, "make compare …", [("invalid/a-1", "700 of 1,200 late")])
    return folder / "compare.html"


@pytest.fixture(scope="module")
def page(browser: Browser, page_file: Path) -> Iterator[Page]:
    page = drawn(browser, page_file)
    yield page
    page.context.close()


def test_the_first_screen_says_the_verdict(page: Page) -> None:
    viewed(page)
    assert page.locator("h1").inner_text() == "B: 1 better, 6 worse"
    for element in (page.locator("h1"), page.locator(".sentence"), page.locator(".cards")):
        box = element.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 800
    assert page.locator(".card .answer").all_inner_texts() == ["1 figure", "6 figures", "2 figures"]


def test_the_keyboard_reaches_the_figures_and_the_values_of_each_run(page: Page) -> None:
    viewed(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**#figures")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText").startswith("Each run")
    page.keyboard.press("Enter")
    assert page.locator("#peak details tbody tr").count() == 4


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_it_reads_well_and_has_no_serious_fault(page: Page, width: int, scheme: str) -> None:
    reads_well(viewed(page, width, scheme), f"compare-{width}-{scheme}")


def test_every_plot_has_both_sides_and_its_numbers_as_text(page: Page) -> None:
    figures = viewed(page).locator("figure").all()
    assert len(figures) == 9
    for figure in figures:
        assert figure.locator(".legend .traces").count() == 2
        assert figure.locator(".scatterlayer .trace").count() == 10  # four runs and a median a side
        figure.locator("details summary").click()
        header = figure.locator("thead th").all_inner_texts()
        assert header[-2:] == ["A: median", "B: median"]
        assert figure.locator("tbody tr").count() >= 10


def test_without_script_the_table_is_still_there(browser: Browser, page_file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert page.locator("#success .status").inner_text() == "worse"
    context.close()
