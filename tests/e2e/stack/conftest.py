"""Both origins: a test that asks for `origin` runs on the fake and on the one in Go; the contract is one."""

from __future__ import annotations

import pytest

from fakes.settings import PartsSettings
from tests.support import origin_rig, real_parts


@pytest.fixture(params=["fakes", "real"])
def origin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test runs on both, unless it is marked `modelled`."""
    kind = real_parts.kind(request, real_parts.build)
    monkeypatch.setattr(origin_rig, "PARTS", PartsSettings.model_validate({"origin": kind}))
    return kind
