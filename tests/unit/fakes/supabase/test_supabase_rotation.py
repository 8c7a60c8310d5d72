"""The issuer before and after it publishes the key that accounts sign with."""

from __future__ import annotations

import json
from typing import Any

from common.secrets.secret import Secret
from fakes import faults
from fakes.control.process_config import JWKS_PATH, StackConfig
from fakes.control.state import Control
from fakes.http.metrics import Metrics
from fakes.stack.credentials import new_signer
from fakes.supabase.supabase import ES256_KID, Supabase
from tests.support.edge_rig import drive


async def kids(app: Any) -> list[str]:
    scope = {"type": "http", "method": "GET", "path": JWKS_PATH, "headers": [], "state": {}}
    return [key["kid"] for key in json.loads((await drive(app, scope)).body)["keys"]]


async def test_a_key_that_is_not_published_yet_is_not_in_the_set() -> None:
    signer = new_signer()
    config = StackConfig(
        control_token=Secret("c"), gateway_secret=Secret("g"), issuer=signer.issuer,
        jwks_url="", jwks=signer.jwks(), signing_key=Secret(signer.key),
    )  # fmt: skip
    control = Control(config, faults.of("supabase"))
    app = Supabase(config, control, Metrics())
    assert await kids(app) == [signer.kid, ES256_KID]
    control.faults({"faults": [{"id": "f", "fault": "key-unpublished"}]})
    assert await kids(app) == [ES256_KID]
    assert control.effects["f"] == 1
    control.faults({"faults": []})
    assert await kids(app) == [signer.kid, ES256_KID]
