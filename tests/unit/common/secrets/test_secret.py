"""A secret is shown where it is asked for by name and nowhere else; no complaint shows one."""

from __future__ import annotations

import copy
import traceback
from typing import Annotated

import pytest
from pydantic import Field

from common.addresses.url import BadUrlError, shown_path, shown_url, split_url
from common.errors import ConfigError, short
from common.secrets.environment import minimal
from common.secrets.secret import REVEALED, Secret
from common.strict import CONFIDENTIAL, Strict, validate

TEXT = "s3cret-s3cret"


class Inner(Strict):
    token: Secret


class Outer(Strict):
    inner: Inner | None = None
    headers: dict[str, Secret] = Field(default_factory=dict)
    key: Annotated[str | None, CONFIDENTIAL] = None
    name: str = ""


@pytest.mark.parametrize(
    "show", [str, repr, format, "{}".format, "%s".__mod__, short, lambda one: f"{one!r:>9}"]
)
def test_it_prints_as_stars(show: object) -> None:
    assert callable(show)
    assert show(Secret(TEXT)).strip() == "***"


def test_it_is_equal_by_its_text_and_to_no_text() -> None:
    assert Secret(TEXT) == Secret(TEXT) == copy.deepcopy(Secret(TEXT))
    assert len({Secret(TEXT), Secret(TEXT), Secret("other")}) == 2
    assert Secret(TEXT) != TEXT
    assert not Secret("")


def test_a_model_keeps_it_and_dumps_it_only_when_told_to() -> None:
    model = validate(Outer, {"inner": {"token": TEXT}, "headers": {"X-A": TEXT}}, "file")
    assert model.inner is not None
    assert model.inner.token.reveal() == model.headers["X-A"].reveal() == TEXT
    for dumped in (
        repr(model),
        str(model.model_dump()),
        model.model_dump_json(),
        str(model.model_dump(mode="json")),
    ):
        assert TEXT not in dumped
    assert model.model_dump_json(context=REVEALED).count(TEXT) == 2
    assert Outer.model_validate(model.model_dump()) == model
    told = Outer.model_validate_json(model.model_dump_json())
    assert told.headers["X-A"].hidden


@pytest.mark.parametrize(
    "data",
    [
        {"inner": TEXT}, {"inner": [TEXT]}, {"inner": {"token": [TEXT]}}, {"headers": TEXT},
        {"headers": {"X": [TEXT]}}, {"key": [TEXT]}, {"inner": {"token": TEXT, "tokens": TEXT}},
        {"inner": {"tokens": TEXT}}, {"name": 5, "key": TEXT},
    ],
)  # fmt: skip
def test_no_complaint_shows_one(data: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as refused:
        validate(Outer, data, "file")
    assert TEXT not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_is_no_secret_is_shown() -> None:
    with pytest.raises(ConfigError, match="name: 5, allowed: string"):
        validate(Outer, {"name": 5}, "file")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://h:80/p", "http://h:80/p"),
        ("http://h/p?api_key=s3", "http://h/p?***"),
        ("https://u:p@h/p", "https://***@h/p"),
        ("http://u:p@x@h/", "http://***@h/"),
        ("u:p@h", "***@h"),
        ("http:\\\\u:p@h", "***@h"),
        ("postgresql://u:p@h/d?host=/x", "postgresql://***@h/d?***"),
        ("http://h/?a\nb", "http://h/?***"),
    ],
)
def test_a_url_is_shown_without_what_it_tells_in_confidence(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/v1/mcp", "/v1/mcp"),
        ("/@org/mcp", "/@org/mcp"),
        ("/@org/mcp?api_key=s3@x", "/@org/mcp?***"),
        ("/a?b\nc?d", "/a?***"),
    ],
)
def test_a_path_is_shown_without_its_query(path: str, shown: str) -> None:
    assert shown_path(path) == shown


@pytest.mark.parametrize(
    "url",
    [
        f"http://me:{TEXT}@h", f"ftp://h/?{TEXT}", f"http://h:x/?{TEXT}", f"http://h#?{TEXT}", f"{TEXT}@h",
        f"//h?{TEXT} x",
    ],
)  # fmt: skip
def test_no_complaint_shows_a_urls_secret(url: str) -> None:
    with pytest.raises(BadUrlError) as refused:
        split_url(url)
    assert TEXT not in str(refused.value)
    assert TEXT not in "".join(traceback.format_exception(refused.value, chain=False))


def test_a_child_is_given_what_it_needs_and_what_is_named() -> None:
    ours = {
        "PATH": "/bin",
        "TMPDIR": "/t",
        "WEB_PASSWORD": TEXT,
        "AWS_SECRET_ACCESS_KEY": TEXT,
        "LANG_REPORT": "ja",
    }
    assert minimal(given=ours) == {"PATH": "/bin", "TMPDIR": "/t"}
    assert minimal("LANG_REPORT", "NOT_SET", given=ours) == {
        "PATH": "/bin",
        "TMPDIR": "/t",
        "LANG_REPORT": "ja",
    }
