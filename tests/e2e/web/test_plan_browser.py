"""plan.html and suite.html in a browser: phone and desk, light and dark, both languages, keyboard, print.

One visit of each page: the tests go through them in this order, each in the view that it asks for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import plan_folder
from tests.support.browser_rig import OTHER_VIEWS, VIEWS, drawn, opened, reads_well, viewed
from tests.support.synthetic_run import Spec, write
from verdicts.output.files import derive
from verdicts.plan import files
from verdicts.points.registry import QUESTIONS
from verdicts.suite import suite

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
LANGUAGES: Final = {"en": VIEWS, "ja": OTHER_VIEWS}


@pytest.fixture(scope="module")
def plans(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Page]]:
    """The page in each language."""
    made = {}
    for language in LANGUAGES:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LANG_REPORT", language)
            folder = tmp_path_factory.mktemp(f"plan-{language}")
            plan_folder.whole(folder)
            files.derive(folder, quiet=True)
        made[language] = opened(browser, folder / "plan.html")
    yield made
    for page in made.values():
        page.context.close()


@pytest.fixture(scope="module")
def suite_page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("suite")
    runs = {"good": Spec(duration=4.0), "bad": Spec(duration=4.0, fault=(1.0, 3.0, "db_error"))}
    entries = [
        suite.SuiteRun.of(name, run := write(folder / name, spec), derive(run, quiet=True).exit_code)
        for name, spec in runs.items()
    ]
    suite.write(
        folder, "phase2", [*entries, suite.SuiteRun("lost", "lost", 3, {})], [*runs, "lost", "health"]
    )
    page = drawn(browser, folder / "suite.html")
    yield page
    page.context.close()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_are_folded(plans: dict[str, Page], width: int, language: str) -> None:
    assert viewed(plans[language], width).evaluate("document.body.scrollHeight") < 9000


def test_the_first_screen_answers(plans: dict[str, Page], suite_page: Page) -> None:
    for page, last in ((plans["en"], "What breaks first as you grow?"), (suite_page, "What broke first?")):
        viewed(page)
        for element in (page.locator("h1"), page.locator(".sentence"), *page.locator(".card").all()):
            box = element.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= 800
        questions = page.locator(".card h2").all_inner_texts()
        assert questions == ["Did the attacks arrive?", "Did the target hold?", last]


def test_the_first_screen_of_a_phone_names_what_breaks_first(plans: dict[str, Page]) -> None:
    box = viewed(plans["en"], 390).locator(".card .answer").last.bounding_box()
    assert box is not None
    assert box["y"] < 844  # a common phone


def test_the_keyboard_goes_from_what_to_do_to_its_reason(plans: dict[str, Page]) -> None:
    page = viewed(plans["en"])
    page.emulate_media(reduced_motion="reduce")  # it is there at once
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_url("**#todo")
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**#{first}")
    expect(page.locator(f"[id='{first}'] .means h4")).to_be_in_viewport()  # its fold is open


def test_it_speaks_the_language_of_its_words(plans: dict[str, Page]) -> None:
    page = plans["ja"]
    assert page.evaluate("document.documentElement.lang") == "ja"
    assert page.locator("article .other").first.get_attribute("lang") == "en"
    assert page.locator("article .evidence").first.get_attribute("lang") == "en"


@pytest.mark.parametrize(
    ("language", "width", "scheme"), [(name, *view) for name, views in LANGUAGES.items() for view in views]
)
def test_the_plan_reads_well(plans: dict[str, Page], language: str, width: int, scheme: str) -> None:
    page = viewed(plans[language], width, scheme)
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    reads_well(page, f"plan-{language}-{width}-{scheme}")


def test_print_is_light_and_holds_every_question(plans: dict[str, Page]) -> None:
    page = viewed(plans["ja"], 1280, "dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("article.answer:visible").count() == len(QUESTIONS)
    pdf = page.pdf()
    assert len(pdf) > 20_000
    if folder := os.environ.get("SCREENSHOTS"):
        (Path(folder) / "plan.pdf").write_bytes(pdf)


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_the_suite_reads_well(suite_page: Page, width: int, scheme: str) -> None:
    page = viewed(suite_page, width, scheme)
    assert page.locator("#plots .barlayer .trace").count() == 2
    assert page.locator("#plots .scatterlayer .trace").count() == 3  # percentiles
    reads_well(page, f"suite-{width}-{scheme}")
