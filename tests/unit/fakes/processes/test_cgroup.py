"""Cgroups on folders of our own in the place of the kernel's."""

import subprocess
from pathlib import Path

import pytest

from fakes.processes import available_cgroup, systemd_scope
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
