"""Both stacks: a test that asks for `parts` runs on the fakes and on the real parts."""

from __future__ import annotations

import pytest

from tests.support import real_parts, short_run


@pytest.fixture(params=["fakes", "real"])
def parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The contract is one: what is marked `modelled` alone is of the fakes."""
    kind = real_parts.kind(request, real_parts.whole)
    if kind == "real":
        monkeypatch.setattr(short_run, "PARTS", kind)
    return kind
