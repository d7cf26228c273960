"""Describes the machine of a measurement, without naming a particular computer."""

import os
from pathlib import Path

_FAST_NUMBER_TYPES = ("avx512_bf16", "amx_bf16")
"""Processor flags with a large effect on the speed of matrix products."""


def describe_processor(cores: int, processor_information: str) -> str:
    """Describes the processor, for example `2 cores, AMD EPYC, avx512_bf16`.

    Args:
      cores: number of usable cores.
      processor_information: text of `/proc/cpuinfo`; may be empty.
    """
    fields: dict[str, str] = {}
    for line in processor_information.splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    flags = set(fields.get("flags", "").split())
    parts = [
        f"{cores} core{'' if cores == 1 else 's'}",
        fields.get("model name", "unknown processor"),
        *(flag for flag in _FAST_NUMBER_TYPES if flag in flags),
    ]
    return ", ".join(parts)


def cores_of_this_machine() -> int:
    """Returns the number of cores available to this process."""
    return len(os.sched_getaffinity(0))


def describe_this_machine() -> str:
    """Describes the processor and the cores available to this process."""
    try:
        information = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        information = ""
    return describe_processor(cores_of_this_machine(), information)
