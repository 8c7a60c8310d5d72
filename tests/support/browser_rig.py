"""A report in a real browser: opened from its file; a request to the network or a script's error fails.

    page = drawn(browser, file)     # with its plots, which takes seconds: one visit for a file's tests
    reads_well(viewed(page, 390, "dark"), "report-390-dark")

Whoever shares a visit asks for the view that he looks at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support import needs

FLAGS: Final = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
# Each width and each scheme; what a page has in two languages is seen in all four pairs of them.
VIEWS: Final = ((1280, "light"), (390, "dark"))
OTHER_VIEWS: Final = ((1280, "dark"), (390, "light"))
expect.set_options(timeout=30_000)  # milliseconds, as all else waits
SEEN: Final = """[
  innerWidth,
  matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light",
  matchMedia("print").matches,
]"""
SETTLED: Final = (
    "new Promise((done) => setTimeout(() => requestIdleCallback(() => done(), {timeout: 5000}), 500))"
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of its own."""
    path = needs.require("chromium")
    needs.require("libatomic")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield found
        found.close()


def opened(browser: Browser, file: Path, width: int = 1280, scheme: str = "light") -> Page:
    """The page of that file."""
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    page.on("request", lambda request: _only_files(request.url))
    page.goto(file.as_uri())
    return page


def drawn(browser: Browser, file: Path, width: int = 1280, scheme: str = "light") -> Page:
    """The page of that file, with its plots."""
    page = opened(browser, file, width, scheme)
    page.wait_for_selector("html[data-drawn=yes]", state="attached")
    return page


def viewed(page: Page, width: int = 1280, scheme: str = "light") -> Page:
    """The same page from its top, in that view, once it has drawn what is other in it."""
    page.bring_to_front()  # one behind others draws nothing
    if page.evaluate(SEEN) != [width, scheme, False]:
        page.emulate_media(media="screen", color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate(SETTLED)
    page.evaluate("scrollTo(0, 0)")
    return page


def _only_files(url: str) -> None:
    assert url.startswith(("file:", "data:", "blob:")), f"asks the network: {url}"


def reads_well(page: Page, name: str) -> None:
    """Nothing is wider than the screen, and axe finds no serious fault. SCREENSHOTS=dir keeps a picture."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in serious] == []
