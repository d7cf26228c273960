import os

import pytest

from serving.local.processors import THREAD_VARIABLES, limit_tensorflow, processors

AVAILABLE = len(os.sched_getaffinity(0))


def new_interface(folder, text):
    (folder / "cpu.max").write_text(text + "\n", encoding="utf-8")


def old_interface(folder, text):
    (folder / "cpu").mkdir()
    for name, value in zip(("quota", "period"), text.split(), strict=True):
        (folder / "cpu" / f"cpu.cfs_{name}_us").write_text(value + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("interface", "limit", "expected"),
    [
        (new_interface, "100000 100000", 1),
        (new_interface, "50000 100000", 1),  # half a processor
        (new_interface, "150000 100000", 1),
        (new_interface, "max 100000", AVAILABLE),
        (new_interface, "99900000 100000", AVAILABLE),
        (old_interface, "100000 100000", 1),
        (old_interface, "-1 100000", AVAILABLE),
    ],
)
def test_a_quota_below_the_machines_processors_counts(tmp_path, interface, limit, expected):
    interface(tmp_path, limit)
    assert processors(tmp_path) == expected


def test_without_control_groups_all_count(tmp_path):
    assert processors(tmp_path) == AVAILABLE


@pytest.fixture
def no_choice(monkeypatch):
    for variable in THREAD_VARIABLES:
        monkeypatch.setenv(variable, "unset")  # so that it is restored
        monkeypatch.delenv(variable)


@pytest.mark.usefixtures("no_choice")
@pytest.mark.skipif(AVAILABLE == 1, reason="one processor leaves nothing to limit")
def test_a_quota_limits_tensorflows_threads(tmp_path, monkeypatch):
    new_interface(tmp_path, "100000 100000")
    monkeypatch.setenv(THREAD_VARIABLES[1], "7")
    limit_tensorflow(tmp_path)
    assert [os.environ[each] for each in THREAD_VARIABLES] == ["1", "7"]


@pytest.mark.usefixtures("no_choice")
def test_without_a_quota_tensorflow_chooses(tmp_path):
    limit_tensorflow(tmp_path)
    assert not any(each in os.environ for each in THREAD_VARIABLES)
