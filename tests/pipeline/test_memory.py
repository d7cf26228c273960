import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import memory
from pipeline.memory import GIB, Memory, check_memory, free_memory

ROOT = Path(__file__).resolve().parents[2]
GROUPS = Path("/sys/fs/cgroup")


def new_form(folder: Path, limit: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n", encoding="ascii")
    (folder / "memory.current").write_text("5000\n", encoding="ascii")
    (folder / "memory.stat").write_text("anon 1\nactive_file 900\ninactive_file 100\n", "ascii")


def old_form(folder: Path, limit: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.limit_in_bytes").write_text(f"{limit}\n", encoding="ascii")
    (folder / "memory.usage_in_bytes").write_text("5000\n", encoding="ascii")
    stat = "active_file 1\ntotal_active_file 900\ntotal_inactive_file 100\n"
    (folder / "memory.stat").write_text(stat, encoding="ascii")


@pytest.mark.parametrize(
    ("form", "own", "folder"),
    [
        (new_form, "0::/a/b", "a/b"),
        (new_form, "0::/a/b", "a"),  # the limit of a parent
        (new_form, "0::/not/visible/in/a/container", ""),
        (new_form, "0::/../..", ""),
        (old_form, "4:memory:/a\n3:cpuset:/", "memory/a"),
        (old_form, "4:memory:/docker/0123\n0::/", "memory"),
    ],
)
def test_the_limit_of_a_control_group_bounds_the_memory(tmp_path, form, own, folder):
    form(tmp_path / folder, "10000")
    (tmp_path / "own").write_text(f"{own}\n", encoding="utf-8")
    # Of 5,000 bytes in use, Linux gives 1,000 of cached files back.
    expected = Memory(6000, f"in the control group {(tmp_path / folder)}")
    assert free_memory(tmp_path, tmp_path / "own") == expected


@pytest.mark.parametrize(("form", "limit"), [(new_form, "max"), (old_form, "9223372036854771712")])
def test_without_a_limit_the_machine_bounds_it(tmp_path, form, limit):
    form(tmp_path, limit)
    form(tmp_path / "memory", limit)
    (tmp_path / "own").write_text("4:memory:/\n0::/\n", encoding="utf-8")
    found = free_memory(tmp_path, tmp_path / "own")
    assert found.bound == "on this machine"
    assert 0 < found.free <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_between_too_little_and_enough_there_is_a_warning(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: Memory(2 * GIB, "on this machine"))
    warnings: list[str] = []
    check_memory(warnings.append)
    [warning] = warnings
    assert warning.startswith("Only 2.0 GiB of memory are free on this machine, and the default")


def nmt_run(workspace: Path, before: str) -> subprocess.CompletedProcess[str]:
    """Runs `nmt run` with a missing corpus, in a shell after other commands."""
    command = (
        f"{before} && exec {sys.executable} -m pipeline run --config=multi30k "
        f"--set=data.corpus=missing --workspace={workspace}"
    )
    return subprocess.run(
        ["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("kib", "sentence"),
    [
        (1_500_000, "is 1.4 GiB of addresses, and TFX alone takes 2.2: raise it"),
        (4_000_000, "is 3.8 GiB of addresses, and a run may need 8: if it crashes, raise it"),
    ],
)
def test_a_limit_of_addresses_is_named_at_the_start(tmp_path, kib, sentence):
    done = nmt_run(tmp_path, f"ulimit -v {kib}")
    assert done.returncode == 2
    assert f"nmt: The limit `ulimit -v` {sentence}" in done.stderr
    assert "Traceback" not in done.stderr
    is_refused = "alone" in sentence
    assert ("missing" in done.stderr) != is_refused


@pytest.fixture
def small_group() -> Iterator[Path]:
    """A control group of 900 MB below this process's own."""
    lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    paths = {line.split(":", 2)[1]: line.split(":", 2)[2] for line in lines}
    is_old = "memory" in paths
    top = GROUPS / ("memory" if is_old else "")
    group = Path(f"{top}{paths['memory' if is_old else '']}", f"nmt-test-{os.getpid()}")
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        name = "memory.limit_in_bytes" if is_old else "memory.max"
        (group / name).write_text("900000000", encoding="ascii")
    except OSError as error:
        pytest.skip(f"the control group {group} cannot bound its memory: {error}")
    else:
        yield group
    finally:
        group.rmdir()


def test_a_small_control_group_is_named_instead_of_a_kill(tmp_path, small_group):
    done = nmt_run(tmp_path, f"echo $$ > {small_group}/cgroup.procs")
    assert done.returncode == 2
    assert f"nmt: Only 0.8 GiB of memory are free in the control group {small_group}" in done.stderr
    assert done.stderr.count("\n") == 1
