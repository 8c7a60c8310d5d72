"""Strict YAML and durations: every bad file is one line that names file, place and what is allowed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.durations import seconds, seconds_within
from common.errors import ConfigError, one_line, short
from common.merge import merged
from common.yaml_file import LARGEST, read_mapping


def written(folder: Path, content: str | bytes) -> Path:
    file = folder / "some.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def test_plain_data_is_read(tmp_path: Path) -> None:
    text = "\ufeffa: 1\nb: [x, {c: 2.5}]\nd: ~\nday: 2026-01-02\n"
    expected = {"a": 1, "b": ["x", {"c": 2.5}], "d": None, "day": "2026-01-02"}
    assert read_mapping(written(tmp_path, text)) == expected


BOMB = "a: &a [x, x]\n" + "".join(
    f"{y}: &{y} [*{x}, *{x}]\n" for x, y in zip("abcdefgh", "bcdefghi", strict=True)
)
BAD_FILES: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "does not hold a mapping"),
    "list": ("- a\n", "does not hold a mapping"),
    "text": ("just words", "does not hold a mapping"),
    "duplicate": ("a: 1\nb: 2\na: 3\n", "line 3: key 'a' stands there twice"),
    "duplicate below": ("a:\n  b: 1\n  b: 2\n", "line 3: key 'b' stands there twice"),
    "number as key": ("1: a\n", "key 1 is not text"),
    "yes as key": ("on: a\n", "'on' means True in YAML 1.1, allowed: put it in quotes"),
    "list as key": ("[a, b]: c\n", "is not text"),
    "alias": ("a: &x 1\nb: *x\n", "line 2: an alias"),
    "alias bomb": (BOMB, "an alias"),
    "merge key": ("a: &x {b: 1}\nc:\n  <<: *x\n", "an alias"),
    "deep": ("a: " + "[" * 5000 + "]" * 5000, "nested too deep"),
    "too large": ("a: " + "x" * LARGEST, "is too large, allowed: 1,000,000 bytes"),
    "python object": ("a: !!python/object/apply:os.system [date]\n", "a tag, "),
    "own tag": ("a: !secret x\n", "a tag, '!secret', allowed: none"),
    "two documents": ("a: 1\n---\nb: 2\n", "another document"),
    "unclosed": ("a: [1, 2\n", "expected"),
    "tab": ("a:\n\tb: 1\n", "cannot start any token"),
    "control character": (b"a: \x07\n", "not YAML"),
    "not text": (b"a: \xff\xfe\n", "not text, allowed: UTF-8"),
    "endless number": ("a: " + "9" * 5000, "not YAML"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_is_one_line(tmp_path: Path, name: str) -> None:
    content, message = BAD_FILES[name]
    with pytest.raises(ConfigError) as caught:
        read_mapping(written(tmp_path, content))
    assert message in str(caught.value)
    assert "some.yaml" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["absent.yaml", ".", "nul\0byte.yaml"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        read_mapping(tmp_path / name)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_mapping_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    line = ""
    try:
        read_mapping(written(tmp_path_factory.getbasetemp(), content))
    except ConfigError as error:
        line = str(error)
    assert len(line.splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("60s", 60), ("500ms", 0.5), ("2m", 120), ("1h", 3600), ("1.5 s", 1.5), ("7", 7), (3, 3),
        (0.25, 0.25), ("1m30s", 90),
        ("1m 30s", 90), ("1h500ms", 3600.5), ("PT90S", 90), ("PT1M30S", 90), ("90", 90),
    ],
)  # fmt: skip
def test_durations(text: str | float, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    "bad",
    ["", "s", "-1s", "1e3s", "5 parsecs", "1s2s", "1s1m", "PT", "PT5", "1ms5", "٣s", True, None, [1], {}],
)
def test_bad_durations(bad: object) -> None:
    with pytest.raises(ValueError, match="allowed: a duration like"):
        seconds(bad)


def test_durations_at_any_depth_are_read_and_other_texts_are_not() -> None:
    given_params = {"at": "20s", "parts": [{"for": "500ms"}], "count": "20", "text": "sixty"}
    assert seconds_within(given_params) == {"at": 20, "parts": [{"for": 0.5}], "count": "20", "text": "sixty"}


def test_merging_goes_key_by_key_and_replaces_lists() -> None:
    assert merged({"a": {"b": 1, "c": 2}, "l": [1]}, {"a": {"c": 3}, "l": [2], "n": {}}) == {
        "a": {"b": 1, "c": 3},
        "l": [2],
        "n": {},
    }


@given(st.text())
def test_one_line_is_one_printable_line(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert line.isprintable()


def test_long_values_are_cut() -> None:
    assert len(short("x" * 1000)) == 60
