"""plan.html and suite.html in a browser: phone and desk, light and dark, both languages, keyboard, print."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support import plan_folder
from tests.support.browser_rig import VIEWS, opened, reads_well
from tests.support.synthetic_run import Spec, write
from verdicts.output.files import derive
from verdicts.plan import files
from verdicts.points.registry import QUESTIONS
from verdicts.suite import suite

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page in each language."""
    made = {}
    for language in ("en", "ja"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LANG_REPORT", language)
            folder = tmp_path_factory.mktemp(f"plan-{language}")
            plan_folder.whole(folder)
            files.derive(folder, quiet=True)
        made[language] = folder / "plan.html"
    return made


@pytest.fixture(scope="module")
def suite_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suite")
    runs = {"good": Spec(duration=4.0), "bad": Spec(duration=4.0, fault=(1.0, 3.0, "db_error"))}
    entries = [
        suite.SuiteRun.of(name, run := write(folder / name, spec), derive(run, quiet=True).exit_code)
        for name, spec in runs.items()
    ]
    suite.write(
        folder, "phase2", [*entries, suite.SuiteRun("lost", "lost", 3, {})], [*runs, "lost", "health"]
    )
    return folder / "suite.html"


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_plan_reads_well(
    browser: Browser, plans: dict[str, Path], width: int, scheme: str, language: str
) -> None:
    page = opened(browser, plans[language], width, scheme)
    assert page.evaluate("document.body.scrollHeight") < 9000, "answers are folded"
    for details in page.locator("details summary").all():
        details.click()
    reads_well(page, f"plan-{language}-{width}-{scheme}")
    page.context.close()


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_the_suite_reads_well(browser: Browser, suite_page: Path, width: int, scheme: str) -> None:
    page = opened(browser, suite_page, width, scheme)
    page.wait_for_selector("html[data-drawn=yes]", state="attached")
    assert page.locator("#plots .barlayer .trace").count() == 2
    assert page.locator("#plots .scatterlayer .trace").count() == 3  # percentiles
    reads_well(page, f"suite-{width}-{scheme}")
    page.context.close()


def test_the_first_screen_answers(browser: Browser, plans: dict[str, Path], suite_page: Path) -> None:
    for file, last in ((plans["en"], "What breaks first as you grow?"), (suite_page, "What broke first?")):
        page = opened(browser, file)
        for element in (page.locator("h1"), page.locator(".sentence"), *page.locator(".card").all()):
            box = element.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= 800
        questions = page.locator(".card h2").all_inner_texts()
        assert questions == ["Did the attacks arrive?", "Did the target hold?", last]
        page.context.close()


def test_the_first_screen_of_a_phone_names_what_breaks_first(
    browser: Browser, plans: dict[str, Path]
) -> None:
    page = opened(browser, plans["en"], 390)
    box = page.locator(".card .answer").last.bounding_box()
    assert box is not None
    assert box["y"] < 844  # a common phone
    page.context.close()


def test_the_keyboard_goes_from_what_to_do_to_its_reason(browser: Browser, plans: dict[str, Path]) -> None:
    page = opened(browser, plans["en"])
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
    page.context.close()


def test_print_is_light_and_holds_every_question(browser: Browser, plans: dict[str, Path]) -> None:
    page = opened(browser, plans["ja"], scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("article.answer:visible").count() == len(QUESTIONS)
    pdf = page.pdf()
    assert len(pdf) > 20_000
    if folder := os.environ.get("SCREENSHOTS"):
        (Path(folder) / "plan.pdf").write_bytes(pdf)
    page.context.close()


def test_it_speaks_the_language_of_its_words(browser: Browser, plans: dict[str, Path]) -> None:
    page = opened(browser, plans["ja"])
    assert page.evaluate("document.documentElement.lang") == "ja"
    assert page.locator("article .other").first.get_attribute("lang") == "en"
    assert page.locator("article .evidence").first.get_attribute("lang") == "en"
    page.context.close()
