"""Both stacks: a test that asks for `parts` runs on the fakes and on the real parts."""

from __future__ import annotations

import pytest

from tests.support import real_parts, short_run


@pytest.fixture(params=["fakes", "real"])
def parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The contract is one: what is marked `modelled` alone is of the fakes."""
    if request.param == "real":
        if request.node.get_closest_marker("modelled"):
            pytest.skip("the nano is modelled in the fake alone")
        real_parts.whole()
        monkeypatch.setattr(short_run, "PARTS", "real")
    return str(request.param)
