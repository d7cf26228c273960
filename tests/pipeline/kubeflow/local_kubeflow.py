"""Runs a compiled pipeline task by task on this machine.

    python local_kubeflow.py SPEC ROOT [NAME=VALUE...]
    python local_kubeflow.py --engine podman --volume NAME:PATH... SPEC ROOT [NAME=VALUE...]

`kfp.local` is Kubeflow's own executor of specifications. It starts lightweight Python components as
local processes and containers with Docker. Here the containers' own commands are started: as local
processes with this interpreter for their `python`, or with an engine in containers of their image,
with their environment and limits, and without a network or any capability. Nothing else is changed.
"""

import argparse
import json
import os
import subprocess
import sys
import warnings
from typing import Any

import yaml
from kfp import components, local
from kfp.local import status, subprocess_task_handler


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


def use_containers(engine: str, volumes: list[str], specification: str, root: str) -> None:
    """Lets every task run in a container."""
    with open(specification, encoding="utf-8") as file:
        executors = next(yaml.safe_load_all(file))["deploymentSpec"]["executors"].values()
    containers = [executor["container"] for executor in executors]

    def run_in_container(self) -> status.Status:
        [given] = [
            each
            for each in containers
            if self.full_command[: len(each["command"]) + 2] == each["command"] + each["args"][:2]
        ]
        limits = given["resources"]
        command = [
            engine, "run", "--rm", "--network=none", "--cap-drop=all",
            "--security-opt=no-new-privileges", "--entrypoint=", f"--volume={root}:{root}",
            f"--cpus={limits['resourceCpuLimit']}",
            f"--memory={limits['resourceMemoryLimit'].removesuffix('i').lower()}",
            *(f"--volume={volume}" for volume in volumes),
            *(f"--env={each['name']}={each['value']}" for each in given.get("env", [])),
            self.image, *self.full_command,
        ]  # fmt: skip
        ended = subprocess.run(command, stderr=subprocess.STDOUT, check=False).returncode
        return status.Status.FAILURE if ended else status.Status.SUCCESS

    # The tasks run as the image's user, and write into folders made here.
    os.umask(0)
    os.makedirs(root, exist_ok=True)
    subprocess_task_handler.SubprocessTaskHandler.run = run_in_container


def main() -> None:
    """Reads the command line and runs the pipeline."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine")
    parser.add_argument("--volume", action="append", default=[])
    parser.add_argument("specification")
    parser.add_argument("root")
    parser.add_argument("parameters", nargs="*")
    given = parser.parse_args()
    if given.engine:
        use_containers(given.engine, given.volume, given.specification, given.root)
    pairs = dict(each.split("=", 1) for each in given.parameters)
    run(given.specification, given.root, {key: json.loads(value) for key, value in pairs.items()})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
