"""Compiles the pipeline to a file for open-source Kubeflow Pipelines 2.x.

TFX's compiler makes a pipeline specification from `create_pipeline`, the same function as for local
runs. This module adds the missing parts (the parameters of runs, resources, retries, and the
platform specification) and removes the fields ignored by open-source backends. Features not
supported by these backends are rejected by name.
"""

import json
from collections.abc import Mapping
from typing import Any

import yaml
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

from pipeline.config.kubeflow import KubeflowSettings, TaskResources
from pipeline.config.settings import PipelineConfig
from pipeline.errors import UserError
from pipeline.kubeflow import linter, runtime_parameters
from pipeline.kubeflow.entrypoint import CHECK_RUN, REQUIRE_GPU, SHARED_FOLDER
from pipeline.kubeflow.platform import platform_specification
from pipeline.kubeflow.runtime_parameters import RUNTIME_PARAMETERS
from pipeline.kubeflow.visualizations import add_outputs
from pipeline.pipeline import Places, create_pipeline
from pipeline.workspace import Workspace

TRAINER = "Trainer"
FIRST_TASK = "CheckRun"
COMMAND = ["python", "-m", "pipeline.kubeflow.entrypoint"]
FIRST_RETRY_SECONDS = 30
_LIGHT = {FIRST_TASK, "LiveModel", "Pusher", "SchemaGen"}
"""Tasks that copy files or read small ones."""
_UNCACHED = {FIRST_TASK, "LiveModel", "Pusher"}
"""Tasks never cached: their result depends on the volumes, not seen by the cache."""

Specification = dict[str, Any]


def compile_pipeline(
    config: PipelineConfig,
    corpus_checksum: str = "",
    corpus_facts: Mapping[str, Any] | None = None,
) -> list[Specification]:
    """Compiles a configuration.

    Args:
      config: the configuration; its section `kubeflow` has the places and resources of the tasks.
      corpus_checksum: the checksum of the corpus of the runs. With it, ingestion may be cached, and
        a run with another corpus fails. Without it, every run reads the corpus anew.
      corpus_facts: facts about the corpus for the model card (`CorpusInfo.facts`).

    Returns:
      The `PipelineSpec` and, if it is not empty, the `PlatformSpec`, as JSON.

    Raises:
      UserError: open-source Kubeflow Pipelines cannot run the pipeline.
    """
    settings = config.kubeflow
    if config.training.warm_start:
        raise UserError(
            "training.warm_start needs a model at the start of a run, but a compiled "
            "pipeline cannot look it up: set training.warm_start to false."
        )
    workspace = Workspace(settings.workspace.rstrip("/"))
    corpus = _corpus(config, workspace)
    places = Places(
        corpus=corpus,
        pipeline_root=workspace.pipeline_root(config.name),
        serving_directory=workspace.models(config.name),
        metadata=None,
    )
    specification = _compiled_by_tfx(config, places, corpus_checksum, corpus_facts)
    if settings.pipeline_root is None:
        # TFX has set the root of local runs; without any, the cluster's default is used.
        specification.pop("defaultPipelineRoot", None)
    else:
        specification["defaultPipelineRoot"] = settings.pipeline_root
    _add_parameters(specification, runtime_parameters.defaults(config, corpus, corpus_checksum))
    written = [places.pipeline_root, places.serving_directory]
    if config.beam.runner != "direct":
        written.append(f"{workspace.root}/beam")
    _add_first_task(specification, settings.image, written)
    add_outputs(specification)
    _add_policies(specification, settings, is_corpus_known=bool(corpus_checksum))
    _add_resources(specification, settings)
    if config.beam.runner != "direct":
        for executor in specification["deploymentSpec"]["executors"].values():
            executor["container"]["env"].append({"name": SHARED_FOLDER, "value": written[-1]})
    found = linter.problems(specification)
    if found:
        raise UserError("\n".join(f"Kubeflow Pipelines cannot run it: {each}" for each in found))
    labels = list(specification["deploymentSpec"]["executors"])
    platform = platform_specification(settings, labels, _label(specification, TRAINER))
    return [specification, platform] if platform else [specification]


def as_yaml(documents: list[Specification]) -> str:
    """Returns the text of a pipeline's file; it begins with a list of the run's parameters."""
    specification = documents[0]
    parameters = specification["root"]["inputDefinitions"]["parameters"]
    name = specification["pipelineInfo"]["name"]
    head = [
        f"# {name}, for Kubeflow Pipelines 2.x. Parameters of a run:",
        *(
            f"#   {name}: {parameter['description']}; default {parameter['defaultValue']!r}"
            for name, parameter in parameters.items()
        ),
    ]
    return "\n".join(head) + "\n" + yaml.safe_dump_all(documents, sort_keys=True, width=100)


def _corpus(config: PipelineConfig, workspace: Workspace) -> str:
    """Returns the corpus folder on the cluster: by name in the workspace, or a path or URI."""
    corpus = config.data.corpus
    return corpus if "/" in corpus else workspace.corpus(corpus)


def _compiled_by_tfx(
    config: PipelineConfig,
    places: Places,
    corpus_checksum: str,
    corpus_facts: Mapping[str, Any] | None,
) -> Specification:
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        config=kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image=config.kubeflow.image,
            default_commands=COMMAND,
            use_pipeline_spec_2_1=True,
        )
    )
    pipeline = create_pipeline(config, places, corpus_checksum, corpus_facts)
    job = runner.run(pipeline, write_out=False)
    return job["pipelineSpec"]


def _add_parameters(specification: Specification, defaults: dict[str, Any]) -> None:
    """Declares the run's parameters, and passes each to the tasks using it."""
    root = specification["root"]
    declared = root.setdefault("inputDefinitions", {}).setdefault("parameters", {})
    for parameter in RUNTIME_PARAMETERS:
        declared[parameter.name] = {
            "parameterType": parameter.kind,
            "description": parameter.description,
            "defaultValue": defaults[parameter.name],
            "isOptional": True,
        }
        for node in parameter.nodes:
            task = root["dag"]["tasks"][node]
            task["inputs"]["parameters"][parameter.name] = {
                "componentInputParameter": parameter.name
            }
            component = specification["components"][task["componentRef"]["name"]]
            component["inputDefinitions"]["parameters"][parameter.name] = {
                "parameterType": parameter.kind
            }


def _add_first_task(specification: Specification, image: str, folders: list[str]) -> None:
    """Adds the task that checks the run's parameters and folders before any other task."""
    root = specification["root"]
    parameters = root["inputDefinitions"]["parameters"]
    for task in root["dag"]["tasks"].values():
        if not task.get("dependentTasks"):
            task["dependentTasks"] = [FIRST_TASK]
    root["dag"]["tasks"][FIRST_TASK] = {
        "taskInfo": {"name": FIRST_TASK},
        "componentRef": {"name": FIRST_TASK},
        "inputs": {"parameters": {name: {"componentInputParameter": name} for name in parameters}},
    }
    label = f"{FIRST_TASK}_executor"
    specification["components"][FIRST_TASK] = {
        "executorLabel": label,
        "inputDefinitions": {
            "parameters": {
                name: {"parameterType": declared["parameterType"]}
                for name, declared in parameters.items()
            }
        },
    }
    specification["deploymentSpec"]["executors"][label] = {
        "container": {
            "image": image,
            "command": COMMAND,
            "args": [CHECK_RUN, json.dumps(folders), "{{$}}"],
        }
    }


def _add_policies(
    specification: Specification, settings: KubeflowSettings, *, is_corpus_known: bool
) -> None:
    """Sets the caching and the retries of each task."""
    uncached = _UNCACHED if is_corpus_known else {*_UNCACHED, "ParallelTextExampleGen"}
    for name, task in specification["root"]["dag"]["tasks"].items():
        is_cached = settings.caching and name not in uncached
        task["cachingOptions"] = {"enableCache": True} if is_cached else {}
        if settings.retries:
            task["retryPolicy"] = {
                "maxRetryCount": settings.retries,
                "backoffDuration": f"{FIRST_RETRY_SECONDS}s",
                "backoffFactor": 2.0,
            }


def _add_resources(specification: Specification, settings: KubeflowSettings) -> None:
    """Sets the resources of each container; only the Trainer may use a GPU."""
    trainer = _label(specification, TRAINER)
    light = {_label(specification, task) for task in _LIGHT}
    for label, executor in specification["deploymentSpec"]["executors"].items():
        container = executor["container"]
        container.pop("lifecycle", None)  # ExampleGen's driver: the entry point does its work
        needed: TaskResources = settings.tasks
        if label == trainer:
            needed = settings.trainer
        elif label in light:
            needed = settings.light_tasks
        container["resources"] = {
            "resourceCpuRequest": needed.cpu,
            "resourceCpuLimit": needed.cpu,
            "resourceMemoryRequest": needed.memory,
            "resourceMemoryLimit": needed.memory,
        }
        if label == trainer and settings.trainer.gpus:
            container["resources"]["accelerator"] = {
                "resourceType": settings.trainer.gpu_resource,
                "resourceCount": str(settings.trainer.gpus),
            }
            container["env"] = [{"name": REQUIRE_GPU, "value": "1"}]
        else:
            container["env"] = [{"name": "CUDA_VISIBLE_DEVICES", "value": "-1"}]


def _label(specification: Specification, task: str) -> str:
    component = specification["root"]["dag"]["tasks"][task]["componentRef"]["name"]
    return str(specification["components"][component]["executorLabel"])
