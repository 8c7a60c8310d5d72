"""The history's page in a real browser: light and dark, phone and desk, offline, in both languages.

One visit in each language, whose tests each ask for their view.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser_rig import OTHER_VIEWS, VIEWS, drawn, reads_well, viewed
from tests.support.history_runs import made
from verdicts.history import pages
from verdicts.history.series import of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def history(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Page]]:
    """The page of one scenario in each language."""
    place = tmp_path_factory.mktemp("history")
    series = of(made(40, seed=7, steps={25: {"p95": 1.05}, 31: {"cpu": 0.9}}))
    found = {}
    for language in ("en", "ja"):
        pages.write(place / language, series, "burst", language)
        found[language] = drawn(browser, place / language / "history.html")
    yield found
    for page in found.values():
        page.context.close()


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_it_reads_well_and_has_no_serious_fault(history: dict[str, Page], width: int, scheme: str) -> None:
    reads_well(viewed(history["en"], width, scheme), f"history-{width}-{scheme}")


@pytest.mark.parametrize(("width", "scheme"), OTHER_VIEWS)
def test_it_reads_as_well_in_japanese(history: dict[str, Page], width: int, scheme: str) -> None:
    page = viewed(history["ja"], width, scheme)
    reads_well(page, f"history-ja-{width}-{scheme}")
    assert page.locator("h1").inner_text() == "変化: 悪化1件、改善1件"
    assert page.locator("figcaption p").first.get_attribute("lang") is None


def test_every_figure_is_drawn_with_its_changes_and_its_numbers_as_text(history: dict[str, Page]) -> None:
    page = viewed(history["en"])
    assert page.locator("figure").count() == 8
    p95 = page.locator("figure", has_text="Response p95")
    assert p95.locator(".scatterlayer .trace").count() == 2
    assert p95.locator(".shapelayer path").count() == 1
    assert (p95.locator(".annotation").text_content() or "").startswith("+")
    p95.locator("details summary").click()
    assert p95.locator("tbody tr").count() == 40
