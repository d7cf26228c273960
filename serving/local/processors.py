"""The processors usable by this process, and TensorFlow's threads for them.

TensorFlow starts one thread per processor of the machine. In a container with a limit they only
wait for each other: Linux stops all of them when their common quota of time is used up.
"""

import os
from pathlib import Path

THREAD_VARIABLES = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
"""Environment variables read by TensorFlow when its first operation runs."""
_CONTROL_GROUP = Path("/sys/fs/cgroup")


def processors(control_group: Path = _CONTROL_GROUP) -> int:
    """Returns the number of processors, at least 1: the affinity's, or the quota if it is lower.

    Args:
      control_group: the folder with the limits of this process's container.
    """
    available = len(os.sched_getaffinity(0))
    quota = _quota(control_group)
    return available if quota is None else max(1, min(available, int(quota)))


def limit_tensorflow(control_group: Path = _CONTROL_GROUP) -> None:
    """Sets the number of TensorFlow's threads if a quota applies and the user has set none."""
    usable = processors(control_group)
    if usable < len(os.sched_getaffinity(0)):
        for variable in THREAD_VARIABLES:
            os.environ.setdefault(variable, str(usable))


def _quota(control_group: Path) -> float | None:
    """Returns the quota in processors; None without one. Both versions of Linux's interface."""
    try:
        quota, period = (control_group / "cpu.max").read_text(encoding="utf-8").split()
    except OSError:
        try:
            quota, period = (
                (control_group / "cpu" / f"cpu.cfs_{name}_us").read_text(encoding="utf-8").strip()
                for name in ("quota", "period")
            )
        except OSError:
            return None
    return None if quota in ("max", "-1") else int(quota) / int(period)
