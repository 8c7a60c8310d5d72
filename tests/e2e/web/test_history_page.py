"""The history's page in a real browser: light and dark, phone and desk, offline, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.web.test_report_browser import opened
from tests.support.browser_rig import VIEWS, reads_well
from tests.support.history_runs import made
from verdicts.history import pages
from verdicts.history.series import of

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of one scenario, a folder a language."""
    place = tmp_path_factory.mktemp("history")
    series = of(made(40, seed=7, steps={25: {"p95": 1.05}, 31: {"cpu": 0.9}}))
    for language in ("en", "ja"):
        pages.write(place / language, series, "burst", language)
    return place


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_it_reads_well_and_has_no_serious_fault(
    browser: Browser, folder: Path, width: int, scheme: str
) -> None:
    page = opened(browser, folder / "en" / "history.html", width, scheme)
    reads_well(page, f"history-{width}-{scheme}")
    page.context.close()


def test_it_reads_as_well_in_japanese(browser: Browser, folder: Path) -> None:
    page = opened(browser, folder / "ja" / "history.html", 390, "dark")
    reads_well(page, "history-ja-390-dark")
    assert page.locator("h1").inner_text() == "変化: 悪化1件、改善1件"
    assert page.locator("figcaption p").first.get_attribute("lang") is None
    page.context.close()


def test_every_figure_is_drawn_with_its_changes_and_its_numbers_as_text(
    browser: Browser, folder: Path
) -> None:
    page = opened(browser, folder / "en" / "history.html")
    assert page.locator("figure").count() == 8
    p95 = page.locator("figure", has_text="Response p95")
    assert p95.locator(".scatterlayer .trace").count() == 2
    assert p95.locator(".shapelayer path").count() == 1
    assert (p95.locator(".annotation").text_content() or "").startswith("+")
    p95.locator("details summary").click()
    assert p95.locator("tbody tr").count() == 40
    page.context.close()
