"""Cgroups on folders of our own in the place of the kernel's."""

import subprocess
from pathlib import Path

import pytest

from fakes.processes import available_cgroup, memory_peak, systemd_scope
from fakes.processes.cgroup import CgroupError, CgroupFigures, CgroupLimits, Version1, Version2

NANO = CgroupLimits(256 * 2**20, 0.1)


def version1(root: Path) -> Version1:
    for controller in ("memory", "cpu", "cpuacct"):
        (root / controller).mkdir()
    return Version1("n", root)


def version2(root: Path, lent: str = "cpu memory") -> Version2:
    (root / "cgroup.subtree_control").write_text(lent)
    return Version2("n", root)


def put(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)


def test_version_1_limits_memory_with_swap_and_cpu(tmp_path: Path) -> None:
    made = version1(tmp_path)
    made.make(NANO)
    memory, cpu = tmp_path / "memory" / "n", tmp_path / "cpu" / "n"
    assert (memory / "memory.limit_in_bytes").read_text() == "268435456"
    assert (memory / "memory.memsw.limit_in_bytes").read_text() == "268435456"
    assert (cpu / "cpu.cfs_quota_us").read_text() == "10000"
    assert (cpu / "cpu.cfs_period_us").read_text() == "100000"
    made.limit(CgroupLimits(1, None))
    assert (cpu / "cpu.cfs_quota_us").read_text() == "-1"


def test_version_1_tells_what_the_kernel_counted(tmp_path: Path) -> None:
    made = version1(tmp_path)
    made.make(NANO)
    put(tmp_path / "cpu" / "n", {"cpu.stat": "nr_periods 9\nnr_throttled 4\nthrottled_time 2500000000\n"})
    put(tmp_path / "cpuacct" / "n", {"cpuacct.usage": "1500000000\n"})
    assert made.figures() is None
    put(
        tmp_path / "memory" / "n",
        {
            "memory.usage_in_bytes": "7\n",
            "memory.max_usage_in_bytes": "8\n",
            "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
        },
    )
    assert made.figures() == CgroupFigures(7, 8, 1.5, 9, 4, 2.5, 2)
    made.forget_peak()
    assert (tmp_path / "memory" / "n" / "memory.max_usage_in_bytes").read_text() == "0"


def test_version_2_limits_and_tells(tmp_path: Path) -> None:
    made = version2(tmp_path, "cpu")
    made.make(NANO)
    folder = tmp_path / "n"
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory +cpu"
    assert (folder / "memory.max").read_text() == "268435456"
    assert (folder / "cpu.max").read_text() == "10000 100000"
    stat = "usage_usec 1500000\nnr_periods 9\nnr_throttled 4\nthrottled_usec 2500000\n"
    put(folder, {"cpu.stat": stat, "memory.events": "oom 3\noom_kill 2\n", "memory.current": "7\n"})
    assert made.figures() == CgroupFigures(7, 7, 1.5, 9, 4, 2.5, 2)  # a kernel that tells no peak
    put(folder, {"memory.peak": "8\n"})
    assert made.figures() == CgroupFigures(7, 8, 1.5, 9, 4, 2.5, 2)


def test_the_process_is_inside_before_it_is_the_server(tmp_path: Path) -> None:
    made = version1(tmp_path)
    made.make(NANO)
    words = made.entering(["/bin/sh", "-c", 'echo $$ "$1"', "x", "a b"])
    done = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert done.communicate()[0] == f"{done.pid} a b\n"
    for folder in made.folders:
        assert (folder / "cgroup.procs").read_text() == f"{done.pid}\n"


def test_a_process_that_may_not_enter_does_not_start(tmp_path: Path) -> None:
    words = version1(tmp_path).entering(["/bin/echo", "started"])
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")


def test_where_none_may_be_made_it_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd_scope, "usable", lambda: False)
    with pytest.raises(
        CgroupError, match=r"no cgroup may be made here .*; it takes root, or systemd-run"
    ) as why:
        available_cgroup.find("n", tmp_path)
    assert "\n" not in str(why.value)
    monkeypatch.setattr(systemd_scope, "usable", lambda: True)
    assert isinstance(available_cgroup.find("n", tmp_path), systemd_scope.Scope)


def test_a_scope_is_a_new_one_at_each_start_and_counts_go_on(tmp_path: Path) -> None:
    scope = systemd_scope.Scope("n", tmp_path)
    scope.make(NANO)
    words = scope.entering(["origin"])
    assert words[:2] == ["systemd-run", "--user"]
    assert {"MemoryMax=268435456", "CPUQuota=10%", "--unit=n-1.scope"} < set(words)
    assert words[-2:] == ["--", "origin"]
    counted = {
        "cpu.stat": "usage_usec 1000000\nnr_periods 5\nnr_throttled 1\nthrottled_usec 0\n",
        "memory.events": "oom_kill 1\n",
        "memory.current": "7\n",
        "memory.peak": "9\n",
    }
    for number in (1, 2):
        folder = tmp_path / "user.slice" / f"n-{number}.scope"
        folder.mkdir(parents=True)
        put(folder, counted)
        assert scope.figures() == CgroupFigures(7, 9, number, 5 * number, number, 0, number)
        assert "--unit=n-2.scope" in scope.entering(["origin"]) or number == 2


class Refusing:
    """The file of a kernel that starts no peak anew."""

    def __init__(self, path: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied")


class Forgetting:
    """The file of one that does, for whoever wrote to it."""

    peak = b"8\n"

    def __init__(self, path: Path, mode: str) -> None:
        assert (path.name, mode) == ("memory.peak", "r+")

    def write(self, text: bytes) -> None:
        Forgetting.peak = b"3\n"

    def seek(self, at: int) -> None:
        assert at == 0

    def read(self) -> bytes:
        return self.peak


COUNTED = {
    "cpu.stat": "usage_usec 0\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n",
    "memory.events": "oom_kill 0\n",
    "memory.current": "3\n",
    "memory.peak": "8\n",
}


def with_a_peak_of_8(root: Path) -> Version2:
    made = version2(root)
    made.make(NANO)
    put(root / "n", COUNTED)
    return made


def peak_of(made: Version2 | systemd_scope.Scope) -> float:
    figures = made.figures()
    assert figures is not None
    return figures.memory_peak


def test_a_peak_is_since_the_reset_where_the_kernel_starts_it_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_peak, "FileIO", Forgetting)
    made = with_a_peak_of_8(tmp_path)
    assert peak_of(made) == 8
    made.forget_peak()
    assert peak_of(made) == 3
    Forgetting.peak = b"5\n"
    assert peak_of(made) == 5


def test_where_it_does_not_the_peak_is_what_was_seen_or_what_rose_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_peak, "FileIO", Refusing)
    made = with_a_peak_of_8(tmp_path)
    made.forget_peak()
    assert peak_of(made) == 3
    put(tmp_path / "n", {"memory.current": "6\n"})
    assert peak_of(made) == 6
    put(tmp_path / "n", {"memory.current": "4\n"})
    assert peak_of(made) == 6
    put(tmp_path / "n", {"memory.peak": "9\n"})
    assert peak_of(made) == 9


def test_a_reset_forgets_the_peak_of_the_scopes_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_peak, "FileIO", Refusing)
    scope = systemd_scope.Scope("n", tmp_path)
    scope.make(NANO)
    for number in (1, 2):
        scope.entering(["origin"])
        (tmp_path / f"n-{number}.scope").mkdir()
        put(tmp_path / f"n-{number}.scope", COUNTED)
        assert peak_of(scope) == 8
    scope.forget_peak()
    assert peak_of(scope) == 3
