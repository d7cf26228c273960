"""Finds features of a pipeline not supported by open-source Kubeflow Pipelines, before the upload.

TFX also compiles for Google's managed service, with files in the same format. The open-source
backend rejects some of their features and, worse, silently ignores others.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

Specification = dict[str, Any]

SCHEMA_VERSION = "2.1.0"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")
_RESOURCE_NAME = re.compile(r"[a-z0-9.-]+/[A-Za-z0-9._-]+")
_MANAGED_ONLY = ("runtimeConfig", "displayName", "labels", "serviceAccount", "encryptionSpec")
"""Fields of a `PipelineJob`, the wrapper of a specification for the managed service."""


def problems(specification: Specification) -> list[str]:
    """Returns one sentence for each problem in open-source Kubeflow Pipelines.

    Args:
      specification: a `PipelineSpec` as JSON.
    """
    if "pipelineSpec" in specification:
        return ["It is a PipelineJob of the managed service, not a PipelineSpec."]
    return [sentence for check in _CHECKS for sentence in check(specification)]


def _check_head(specification: Specification) -> Iterator[str]:
    for field in _MANAGED_ONLY:
        if field in specification:
            yield f"The field {field} belongs to the managed service."
    version = specification.get("schemaVersion")
    if version != SCHEMA_VERSION:
        yield f"The schema version is {version}, not {SCHEMA_VERSION}."
    name = specification.get("pipelineInfo", {}).get("name", "")
    if not _NAME.fullmatch(name):
        yield f"The pipeline's name {name!r} must be made of a-z, 0-9 and '-'."
    if "root" not in specification:
        yield "It has no root, so there is nothing to run."


def _check_executors(specification: Specification) -> Iterator[str]:
    for label, executor in specification.get("deploymentSpec", {}).get("executors", {}).items():
        if "resolver" in executor:
            yield f"{label} is a resolver node, which no open-source backend runs: use LiveModel."
        if "customJob" in executor:
            yield f"{label} is a custom job of the managed service."
        if not executor.keys() & {"container", "importer", "resolver", "customJob"}:
            yield f"{label} has no container."
        container = executor.get("container", {})
        if "lifecycle" in container:
            yield f"{label} has a lifecycle hook, which is never called."
        accelerator = container.get("resources", {}).get("accelerator", {})
        kind = accelerator.get("resourceType", accelerator.get("type"))
        if kind is not None and not _RESOURCE_NAME.fullmatch(kind):
            yield (
                f"{label} asks for the accelerator {kind!r} of the managed service: "
                "name the cluster's resource, such as nvidia.com/gpu."
            )


def _check_components(specification: Specification) -> Iterator[str]:
    executors = specification.get("deploymentSpec", {}).get("executors", {})
    for name, component in specification.get("components", {}).items():
        if "dag" in component:
            continue
        label = component.get("executorLabel")
        if label not in executors:
            yield f"The component {name} names the executor {label}, which is missing."


def _check_tasks(specification: Specification) -> Iterator[str]:
    root = specification.get("root", {})
    dags = [root, *specification.get("components", {}).values()]
    tasks = [item for dag in dags for item in dag.get("dag", {}).get("tasks", {}).items()]
    inputs = root.get("inputDefinitions", {}).get("parameters", {})
    executors = specification.get("deploymentSpec", {}).get("executors", {})
    for name, task in tasks:
        policy = task.get("triggerPolicy", {})
        component = specification.get("components", {}).get(task["componentRef"]["name"], {})
        if "condition" in policy:
            is_importer = "importer" in executors.get(component.get("executorLabel"), {})
            kind = "an importer" if is_importer else "a task"
            yield f"{name} is {kind} with a condition, which open-source backends do not evaluate."
        for parameter, source in task.get("inputs", {}).get("parameters", {}).items():
            if "taskFinalStatus" in source:
                yield f"{name} asks for the final status of another task, as exit handlers do."
            elif "runtimeParameter" in source.get("runtimeValue", {}):
                yield f"{name}.{parameter} is a runtime parameter in the notation of schema 2.0."
            elif source.get("componentInputParameter", next(iter(inputs), "")) not in inputs:
                wanted = source["componentInputParameter"]
                yield f"{name}.{parameter} wants the parameter {wanted}, which the root lacks."


_CHECKS: tuple[Callable[[Specification], Iterator[str]], ...] = (
    _check_head,
    _check_executors,
    _check_components,
    _check_tasks,
)
