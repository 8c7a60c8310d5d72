"""One Chromium for the tests of a file that look at pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support import browser_rig


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browser_rig.chromium() as found:
        yield found
