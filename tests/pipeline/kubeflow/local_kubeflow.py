"""Runs a compiled pipeline task by task on this machine: `python local_kubeflow.py SPEC ROOT
[NAME=VALUE...]`.

`kfp.local` is Kubeflow's own executor of specifications. It starts lightweight Python components as
local processes and containers with Docker; here the containers' own commands are started as local
processes instead, with this interpreter for their `python`. Nothing else is changed.
"""

import json
import sys
import warnings
from typing import Any

from kfp import components, local
from kfp.local import subprocess_task_handler


def run(specification: str, root: str, arguments: dict[str, Any]) -> None:
    """Runs all tasks; the first that fails ends the run with an error."""
    handler = subprocess_task_handler.SubprocessTaskHandler
    handler.validate_not_container_component = lambda self, command: None
    handler.validate_not_containerized_python_component = lambda self, command: None
    subprocess_task_handler.replace_python_executable = lambda command, _: [
        sys.executable if part == "python" else part for part in command
    ]
    local.init(
        runner=local.SubprocessRunner(use_venv=False), pipeline_root=root, raise_on_error=True
    )
    components.load_component_from_file(specification)(**arguments)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    given = dict(argument.split("=", 1) for argument in sys.argv[3:])
    run(sys.argv[1], sys.argv[2], {name: json.loads(value) for name, value in given.items()})
