"""The memory that a run can take, and the check of it before TFX is loaded.

A process without memory ends by SIGSEGV or SIGKILL, and can say nothing then.
"""

import os
import resource
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UserError

GIB = 1024**3
ENOUGH = 3 * GIB
"""Enough for the default configuration: its Trainer was measured at 2.6 GiB."""
_LEAST = 1 * GIB
"""TFX alone takes 0.9 GiB when it is imported."""
_ENOUGH_ADDRESSES = 8 * GIB
_LEAST_ADDRESSES = 2.2 * GIB
"""Imports reserve 2.1 GiB. A tiny model on 2 processors ran with 3.8, and not with 2.9."""
_CONTROL_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")
_NEW_FILES = ("memory.max", "memory.current")
_OLD_FILES = ("memory.limit_in_bytes", "memory.usage_in_bytes")


@dataclass(frozen=True)
class Memory:
    """An amount of memory with its bound."""

    free: int
    """Bytes."""
    bound: str
    """What bounds it, for a sentence."""


def free_memory(control_groups: Path = _CONTROL_GROUPS, own_groups: Path = _OWN_GROUPS) -> Memory:
    """Returns the memory that this process can still take: the machine's, or its control group's.

    Args:
      control_groups: the folder of all control groups.
      own_groups: the file with the paths of this process's groups.
    """
    text = Path("/proc/meminfo").read_text(encoding="ascii")
    sizes = {key: 1024 * int(size.split()[0]) for key, size in _pairs(text, ":")}
    machine = Memory(sizes["MemAvailable"] + sizes["SwapFree"], "on this machine")
    groups = (
        Memory(free, f"in the control group {folder}")
        for folder in _groups(control_groups, own_groups)
        if (free := _free_in(folder)) is not None
    )
    return min([machine, *groups], key=lambda memory: memory.free)


def check_memory(show: Callable[[str], None]) -> None:
    """Checks the memory for a run.

    Args:
      show: receives a warning if the default configuration needs more than there is.

    Raises:
      UserError: there is too little to load TFX.
    """
    memory = free_memory()
    there = f"{memory.free / GIB:.1f} GiB of memory are free {memory.bound}"
    remedy = "end other programs, or raise the limit"
    if memory.free < _LEAST:
        raise UserError(f"Only {there}, and TFX alone takes 1 GiB: {remedy}.")
    if memory.free < ENOUGH:
        show(
            f"Only {there}, and the default configuration needs {ENOUGH // GIB}: if the run is "
            f"killed, {remedy}, or set a smaller model."
        )
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return
    bound = f"The limit `ulimit -v` is {limit / GIB:.1f} GiB of addresses"
    if limit < _LEAST_ADDRESSES:
        raise UserError(
            f"{bound}, and TFX alone takes {_LEAST_ADDRESSES / GIB:.1f}: raise it with "
            "`ulimit -v unlimited`."
        )
    if limit < _ENOUGH_ADDRESSES:
        show(
            f"{bound}, and a run may need {_ENOUGH_ADDRESSES // GIB}: if it crashes, raise it with "
            "`ulimit -v unlimited`."
        )


def _groups(control_groups: Path, own_groups: Path) -> Iterator[Path]:
    """Yields the folders that bound the memory of this process: its group's and its parents'."""
    try:
        lines = own_groups.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            top = control_groups / controllers
            # A container may not see its own path, but its limits at the top.
            group = Path(os.path.normpath(f"{top}/{path}"))
            yield from (each for each in (group, *group.parents, top) if each.is_relative_to(top))


def _free_in(folder: Path) -> int | None:
    """Returns the free memory of a control group; None without a limit. Both of Linux's forms."""
    for limit_file, usage_file in (_NEW_FILES, _OLD_FILES):
        try:
            limit = (folder / limit_file).read_text(encoding="ascii").strip()
            if limit == "max":
                return None
            usage = int((folder / usage_file).read_text(encoding="ascii"))
            stat = dict(_pairs((folder / "memory.stat").read_text(encoding="ascii"), " "))
        except OSError:
            continue
        # Linux gives the cache of files back when a process needs its memory.
        cache = sum(
            int(stat.get(f"total_{key}", stat.get(key, 0)))
            for key in ("active_file", "inactive_file")
        )
        return int(limit) - max(0, usage - cache)
    return None


def _pairs(text: str, separator: str) -> Iterator[list[str]]:
    return (line.split(separator, 1) for line in text.splitlines())
