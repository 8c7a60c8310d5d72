"""What is made once for a checkout: kept, taken from there, and made anew where it cannot be kept."""

from pathlib import Path

import pytest

from common.files import derived


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(derived, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def test_it_is_made_once(cache: Path) -> None:
    texts = iter(["text", "made twice"])
    for _ in range(3):
        assert derived.derived_text("a-1", lambda: next(texts)) == "text"
    assert [file.name for file in (cache / "derived").iterdir()] == ["a-1"]
    assert derived.derived_text("a-2", lambda: "other") == "other"


def test_where_nothing_can_be_kept_it_is_made_each_time(cache: Path) -> None:
    cache.write_text("no folder")
    for text in ("one", "two"):
        assert derived.derived_text("a", lambda text=text: text) == text  # type: ignore[misc]
    assert derived.derived_folder("templates") is None


def test_what_is_no_text_is_made_anew(cache: Path) -> None:
    (cache / "derived").mkdir(parents=True)
    (cache / "derived" / "a").write_bytes(b"\xff\xfe")
    assert derived.derived_text("a", lambda: "text") == "text"
    assert (cache / "derived" / "a").read_text() == "text"


def test_a_librarys_own_folder(cache: Path) -> None:
    assert derived.derived_folder("templates") == cache / "derived" / "templates"
    assert (cache / "derived" / "templates").is_dir()
