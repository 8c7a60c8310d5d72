from __future__ import annotations

import base64
import hashlib
import io
import platform
import tarfile
from pathlib import Path

import pytest

from fakes.edge_worker import install

NPM = """#!/bin/sh
case "$2" in *@*@*) ;; *) exit 9 ;; esac
cp "{archive}" "$5/package.tgz"
"""
LOST = """#!/bin/sh
echo "npm error 404 not found" >&2
exit 1
"""


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path, binary = tmp_path / "given.tgz", b"#!/bin/sh\necho workerd\n"
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo(install.MEMBER)
        info.size = len(binary)
        tar.addfile(info, io.BytesIO(binary))
    digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    monkeypatch.setattr(install, "_package", lambda: ("@cloudflare/workerd", digest))
    monkeypatch.setattr(install, "HOME", tmp_path / "home")
    monkeypatch.setattr(install, "BINARY", tmp_path / "home" / "workerd")
    return path


def npm(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "bin").mkdir()
    script = folder / "bin" / "npm"
    script.write_text(text)
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:/usr/bin:/bin")


def test_it_is_fetched_checked_and_unpacked_once(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm(tmp_path, NPM.format(archive=archive), monkeypatch)
    assert install.installed() is None
    assert install.install().stat().st_mode & 0o111
    monkeypatch.setenv("PATH", "/nowhere")
    assert install.install() == install.installed()


def test_another_package_than_the_pinned_one_is_refused(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    npm(tmp_path, NPM.format(archive=archive), monkeypatch)
    archive.write_bytes(archive.read_bytes() + b"\0")
    assert install.main() == 3
    assert "sha512" in capsys.readouterr().err
    assert install.installed() is None


@pytest.mark.parametrize(("text", "words"), [(LOST, "404 not found"), (None, "npm is not installed")])
def test_what_is_missing_is_one_line(
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str | None,
    words: str,
) -> None:
    if text is None:
        monkeypatch.setenv("PATH", "/nowhere")
    else:
        npm(tmp_path, text, monkeypatch)
    assert install.main() == 3
    said = capsys.readouterr().err
    assert words in said
    assert len(said.splitlines()) == 1


def test_a_machine_without_a_pinned_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "vax")
    monkeypatch.setattr(install, "BINARY", Path("/nowhere/workerd"))
    with pytest.raises(install.InstallError, match="vax"):
        install.install()
