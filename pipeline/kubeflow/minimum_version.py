"""The oldest release of Kubeflow Pipelines for a compiled pipeline.

Older servers ignore or reject fields of the file, and a run would fail late or without its limits.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

FEATURES = (
    ("resourceCpuRequest", (2, 4, 0), "the CPU and memory of tasks"),
    ("pvcMount", (2, 5, 0), "kubeflow.volumes"),
    ("secretAsEnv", (2, 15, 0), "kubeflow.secrets"),
    ("securityContext", (2, 16, 0), "kubeflow.run_as_non_root"),
)
"""A field of the file, the first release that reads it as written, and the feature's name."""
_RELEASE = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def problems(version: str, documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns one sentence for each feature newer than a server.

    Args:
      version: the server's release, such as 2.17.0. Other texts, such as those of builds from a
        branch, are not compared.
      documents: the documents of the compiled file.
    """
    release = _RELEASE.match(version)
    if release is None:
        return []
    found = tuple(int(number) for number in release.groups())
    text = json.dumps(documents)
    return [
        f"Kubeflow Pipelines {version} is too old for {feature}: "
        f"update it to {'.'.join(map(str, first))} or newer."
        for field, first, feature in FEATURES
        if f'"{field}"' in text and found < first
    ]
