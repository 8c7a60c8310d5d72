"""Files that a target names are read by the leader alone: a worker needs none of them."""

from __future__ import annotations

import datetime
import gc
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from run import prepare
from run.state import RunState
from run.workers import worker_job
from scenarios import load as scenarios
from targets import load as targets


def authority() -> str:
    """A certificate that signs itself, as PEM."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway")])
    key, now = Ed25519PrivateKey.generate(), datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, now, now + datetime.timedelta(days=1))
    return made.sign(cast(Any, key), cast(Any, None)).public_bytes(Encoding.PEM).decode()


@pytest.fixture
def given(tmp_path: Path) -> Path:
    (tmp_path / "ids.txt").write_text("\n".join(f"user-{number}" for number in range(200)))
    (tmp_path / "ca.pem").write_text(authority())
    (tmp_path / "target.yaml").write_text(
        "{name: t, base_url: 'https://127.0.0.1:1', accounts: {ids: ids.txt}, tls: {ca: ca.pem}}"
    )
    return tmp_path


def test_a_worker_takes_ids_and_certificates_from_the_wire(
    given: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("raise_file_limit", "widen_file_table"):
        monkeypatch.setattr(worker_job, name, lambda: None)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    state = RunState(
        scenarios.load("burst"), targets.load(given / "target.yaml"), given, cast(Any, SimpleNamespace())
    )
    state.base_url, state.addresses = "https://127.0.0.1:1", ("127.0.0.1",)
    told = prepare._job(state, ExitStack()) | {"run": "r"}  # as the conductor sends it
    for file in given.iterdir():
        file.unlink()
    job, _ = worker_job.build_job(SimpleNamespace(), told)
    assert [one.id for one in job.accounts][:2] == ["user-0", "user-1"]
    assert job.endpoint.tls is not None
    assert job.endpoint.tls.cert_store_stats()["x509"] == 1


def test_what_is_asked_before_load_is_kept_for_the_limits(tmp_path: Path) -> None:
    """`tools/list` to a port that nobody listens on: it left, and is over."""
    file = tmp_path / "target.yaml"
    file.write_text("{name: t, base_url: 'http://127.0.0.1:1', protocol: '2026-07-28'}")
    wire = cast(Any, SimpleNamespace())
    state = RunState(scenarios.load("burst"), targets.load(file), tmp_path, wire)
    state.base_url, state.addresses = "http://127.0.0.1:1", ("127.0.0.1",)
    before = time.monotonic()
    prepare._look(state, prepare._job(state, ExitStack()))
    (at,) = state.asked_before
    assert before <= at <= time.monotonic()
