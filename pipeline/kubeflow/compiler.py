"""The pipeline as a file for open-source Kubeflow Pipelines 2.x.

TFX's compiler makes a pipeline specification of the very `create_pipeline` that runs on a laptop.
What it cannot say is added here: the run's parameters, resources, retries and the platform's part;
what open-source backends ignore is taken out; and what they cannot run is refused by name.
"""

from collections.abc import Mapping
from typing import Any

import yaml
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

from pipeline.config.kubeflow import KubeflowSettings
from pipeline.config.settings import PipelineConfig
from pipeline.errors import UserError
from pipeline.kubeflow import linter, runtime_parameters
from pipeline.kubeflow.entrypoint import REQUIRE_GPU, SHARED_FOLDER
from pipeline.kubeflow.platform import platform_specification
from pipeline.kubeflow.runtime_parameters import RUNTIME_PARAMETERS
from pipeline.pipeline import Places, create_pipeline
from pipeline.workspace import Workspace

TRAINER = "Trainer"
COMMAND = ["python", "-m", "pipeline.kubeflow.entrypoint"]
FIRST_RETRY_SECONDS = 30
_SEES_THE_WORLD = {"LiveModel", "Pusher"}
"""Tasks whose answer depends on the serving directory, which the cache knows nothing of."""

Specification = dict[str, Any]


def compile_pipeline(
    config: PipelineConfig,
    corpus_checksum: str = "",
    corpus_facts: Mapping[str, Any] | None = None,
) -> list[Specification]:
    """Compiles a configuration.

    Args:
      config: the section `kubeflow` says where things lie and what tasks need.
      corpus_checksum: of the corpus that runs are meant for. With it, ingestion is answered from
        the cache, and a run that finds another corpus fails; without it, every run reads the
        corpus anew.
      corpus_facts: what the model card says of that corpus (`CorpusInfo.facts`).

    Returns:
      The `PipelineSpec` and, if the platform has anything to say, the `PlatformSpec`, as JSON.

    Raises:
      UserError: open-source Kubeflow Pipelines could not run it.
    """
    settings = config.kubeflow
    if config.training.warm_start:
        raise UserError(
            "training.warm_start looks for the live model when a run begins, and a compiled "
            "pipeline has no such moment: set it to false."
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
        # It is of the laptop's layout; without one, the cluster's own is taken.
        specification.pop("defaultPipelineRoot", None)
    else:
        specification["defaultPipelineRoot"] = settings.pipeline_root
    _add_parameters(specification, runtime_parameters.defaults(config, corpus, corpus_checksum))
    _add_policies(specification, settings, is_corpus_known=bool(corpus_checksum))
    _add_resources(specification, settings)
    if config.beam.runner != "direct":
        _add_environment(specification, SHARED_FOLDER, f"{workspace.root}/beam")
    found = linter.problems(specification)
    if found:
        raise UserError("\n".join(f"Kubeflow Pipelines cannot run it: {each}" for each in found))
    labels = list(specification["deploymentSpec"]["executors"])
    platform = platform_specification(settings, labels, _label(specification, TRAINER))
    return [specification, platform] if platform else [specification]


def as_yaml(documents: list[Specification]) -> str:
    """The text of a pipeline's file, which begins with what a run may be told."""
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
    """The corpus as the cluster sees it: by name in the workspace, or a path or URI as it is."""
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
    """Declares the run's parameters and hands each to the tasks that take it."""
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


def _add_policies(
    specification: Specification, settings: KubeflowSettings, *, is_corpus_known: bool
) -> None:
    """Says which tasks the cache may answer, and how often one is tried again."""
    uncached = _SEES_THE_WORLD if is_corpus_known else {*_SEES_THE_WORLD, "ParallelTextExampleGen"}
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
    """Says what each container gets; a GPU is for the Trainer, and hidden from all others."""
    trainer = _label(specification, TRAINER)
    for label, executor in specification["deploymentSpec"]["executors"].items():
        container = executor["container"]
        container.pop("lifecycle", None)  # ExampleGen's driver: the entry point does its work
        asked = settings.trainer if label == trainer else settings.tasks
        container["resources"] = {
            "resourceCpuRequest": asked.cpu,
            "resourceCpuLimit": asked.cpu,
            "resourceMemoryRequest": asked.memory,
            "resourceMemoryLimit": asked.memory,
        }
        if label == trainer and settings.trainer.gpus:
            container["resources"]["accelerator"] = {
                "resourceType": settings.trainer.gpu_resource,
                "resourceCount": str(settings.trainer.gpus),
            }
            container["env"] = [{"name": REQUIRE_GPU, "value": "1"}]
        else:
            container["env"] = [{"name": "CUDA_VISIBLE_DEVICES", "value": "-1"}]


def _add_environment(specification: Specification, variable: str, value: str) -> None:
    for executor in specification["deploymentSpec"]["executors"].values():
        executor["container"]["env"].append({"name": variable, "value": value})


def _label(specification: Specification, task: str) -> str:
    component = specification["root"]["dag"]["tasks"][task]["componentRef"]["name"]
    return str(specification["components"][component]["executorLabel"])
