"""The compiled pipeline, without running it; test_local_run.py runs it."""

import itertools

import pytest
import yaml
from google.protobuf import json_format
from kfp import components
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.config.settings import load_config
from pipeline.errors import UserError
from pipeline.kubeflow import linter
from pipeline.kubeflow.compiler import COMMAND, as_yaml, compile_pipeline
from pipeline.kubeflow.entrypoint import CHECK_RUN
from pipeline.kubeflow.platform import USER

CLUSTER = [
    "kubeflow.image=registry.example/nmt:1",
    "kubeflow.pipeline_root=minio://mlpipeline/nmt",
    "kubeflow.trainer.gpus=1",
    "kubeflow.trainer.node_selector=[cloud.example/gpu=l4]",
    "kubeflow.trainer.tolerations=[nvidia.com/gpu=present:NoSchedule, spot:NoExecute]",
    "kubeflow.secrets=[storage/key=AWS_SECRET_ACCESS_KEY]",
    "kubeflow.image_pull_secrets=[registry]",
]


@pytest.fixture(scope="module")
def documents():
    return compile_pipeline(load_config("debian", CLUSTER), "abc")


@pytest.fixture(scope="module")
def specification(documents):
    return documents[0]


@pytest.fixture(scope="module")
def platform(documents):
    return documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def container(specification, name):
    return specification["deploymentSpec"]["executors"][f"{name}_executor"]["container"]


def tasks(specification):
    return specification["root"]["dag"]["tasks"]


def test_every_node_of_the_pipeline_is_a_task_after_the_one_that_checks_the_run(specification):
    assert tasks(specification).keys() == {
        "CheckRun", "ParallelTextExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator",
        "Transform", "Trainer", "LiveModel", "Evaluator", "ServingValidator", "Pusher",
        "ModelReport",
    }  # fmt: skip


def test_it_is_a_pipeline_specification_of_schema_2_1(specification):
    parsed = json_format.ParseDict(specification, pipeline_spec_pb2.PipelineSpec())
    assert parsed.schema_version == "2.1.0"
    assert linter.problems(specification) == []


def test_kubeflows_own_reader_takes_the_file(documents, tmp_path):
    path = tmp_path / "pipeline.yaml"
    path.write_text(as_yaml(documents), encoding="utf-8")
    pipeline = components.load_component_from_file(str(path))
    assert set(pipeline.component_spec.inputs) == {
        "corpus", "corpus_checksum", "epochs", "min_bleu", "min_chrf", "max_bleu_drop",
    }  # fmt: skip


def test_the_file_holds_both_documents_and_begins_with_the_parameters(documents):
    text = as_yaml(documents)
    assert list(yaml.safe_load_all(text)) == documents
    assert "#   epochs: passes over the training split; default 10\n" in text


def test_a_parameter_reaches_the_tasks_that_take_it(specification):
    reached = {
        (name, task)
        for task, content in tasks(specification).items()
        for name, source in content["inputs"].get("parameters", {}).items()
        if source == {"componentInputParameter": name} and task != "CheckRun"
    }
    assert reached == {
        ("corpus", "ParallelTextExampleGen"),
        ("corpus_checksum", "ParallelTextExampleGen"),
        ("corpus_checksum", "Trainer"),
        ("epochs", "Trainer"),
        ("min_bleu", "Evaluator"),
        ("min_chrf", "Evaluator"),
        ("max_bleu_drop", "Evaluator"),
    }


def test_only_the_trainer_gets_a_gpu_and_demands_it(specification):
    for name in tasks(specification):
        given = container(specification, name)
        if name == "Trainer":
            assert given["resources"]["accelerator"] == {
                "resourceType": "nvidia.com/gpu",
                "resourceCount": "1",
            }
            assert {"name": "NMT_REQUIRE_GPU", "value": "1"} in given["env"]
        else:
            assert "accelerator" not in given["resources"]
            assert {"name": "CUDA_VISIBLE_DEVICES", "value": "-1"} in given["env"]


def test_every_container_runs_our_entry_point_in_the_image(specification):
    for name in tasks(specification):
        given = container(specification, name)
        assert given["image"] == "registry.example/nmt:1"
        assert given["command"] == COMMAND
        assert "lifecycle" not in given


def test_tasks_ask_for_what_is_configured_and_are_tried_again(specification):
    assert container(specification, "Trainer")["resources"]["resourceMemoryLimit"] == "8Gi"
    assert container(specification, "Transform")["resources"]["resourceCpuRequest"] == "2"
    assert container(specification, "Pusher")["resources"]["resourceCpuRequest"] == "1"
    for task in tasks(specification).values():
        assert task["retryPolicy"]["maxRetryCount"] == 1


def test_the_tasks_that_run_at_once_fit_a_node_of_4_processors_and_16_gb(specification):
    before = {name: task.get("dependentTasks", []) for name, task in tasks(specification).items()}

    def ancestors(name):
        return set(before[name]).union(*(ancestors(each) for each in before[name]))

    for size in range(1, 5):
        for group in itertools.combinations(before, size):
            if any(set(group) & ancestors(name) for name in group):
                continue  # one waits for another
            needed = [container(specification, name)["resources"] for name in group]
            # The rest is Kubernetes' own, and that of the servers of Kubeflow Pipelines.
            assert sum(float(each["resourceCpuRequest"]) for each in needed) <= 3, group
            memory = [each["resourceMemoryRequest"].removesuffix("Gi") for each in needed]
            assert sum(map(float, memory)) <= 10, group


@pytest.mark.parametrize(("given", "text"), [("2", "2"), ("0.5", "0.5"), ("500m", "500m")])
def test_processors_need_no_quotes(given, text):
    settings = load_config("debian", [f"kubeflow.trainer.cpu={given}"])
    assert settings.kubeflow.trainer.cpu == text


def cached(specification):
    return {name for name, task in tasks(specification).items() if task["cachingOptions"]}


def test_tasks_that_look_at_volumes_are_never_cached(specification):
    assert tasks(specification).keys() - cached(specification) == {
        "CheckRun", "LiveModel", "Pusher",
    }  # fmt: skip


def test_a_corpus_that_may_change_is_read_anew():
    [specification, _] = compile_pipeline(load_config("debian"))
    assert "ParallelTextExampleGen" not in cached(specification)


def test_caching_can_be_switched_off():
    [specification, _] = compile_pipeline(load_config("debian", ["kubeflow.caching=false"]), "abc")
    assert cached(specification) == set()


def test_every_task_mounts_the_volumes_and_sees_the_secrets(specification, platform):
    assert platform.keys() == specification["deploymentSpec"]["executors"].keys()
    for given in platform.values():
        json_format.ParseDict(given, kubernetes_executor_config_pb2.KubernetesExecutorConfig())
        mounts = [(mount["constant"], mount["mountPath"]) for mount in given["pvcMount"]]
        assert mounts == [("nmt-workspace", "/nmt"), ("nmt-models", "/nmt/models")]
        [secret] = given["secretAsEnv"]
        assert secret["secretName"] == "storage"
        assert secret["keyToEnv"] == [{"secretKey": "key", "envVar": "AWS_SECRET_ACCESS_KEY"}]
        assert [each["secretName"] for each in given["imagePullSecret"]] == ["registry"]


def test_only_the_trainer_is_sent_to_other_nodes(platform):
    trainer = platform["Trainer_executor"]
    assert trainer["nodeSelector"]["labels"] == {"cloud.example/gpu": "l4"}
    assert trainer["tolerations"] == [
        {
            "key": "nvidia.com/gpu",
            "operator": "Equal",
            "value": "present",
            "effect": "NoSchedule",
        },
        {"key": "spot", "operator": "Exists", "effect": "NoExecute"},
    ]
    for label in platform.keys() - {"Trainer_executor"}:
        assert not {"nodeSelector", "tolerations"} & platform[label].keys()


def test_every_task_states_its_user_if_the_namespace_requires_it(platform):
    assert all("securityContext" not in given for given in platform.values())
    restricted = load_config("debian", ["kubeflow.run_as_non_root=true"])
    [_, document] = compile_pipeline(restricted)
    for given in document["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values():
        json_format.ParseDict(given, kubernetes_executor_config_pb2.KubernetesExecutorConfig())
        user = {"runAsUser": str(USER), "runAsGroup": str(USER), "runAsNonRoot": True}
        assert given["securityContext"] == user


def test_the_pipeline_root_is_the_clusters_unless_one_is_named(specification):
    assert specification["defaultPipelineRoot"] == "minio://mlpipeline/nmt"
    assert "defaultPipelineRoot" not in compile_pipeline(load_config("debian"))[0]


def test_places_are_the_clusters(specification):
    text = yaml.safe_dump(specification)
    assert "/nmt/models/debian" in text
    assert "/nmt/pipelines/debian/checkpoints" in text
    default = specification["root"]["inputDefinitions"]["parameters"]["corpus"]["defaultValue"]
    assert default == "/nmt/corpora/debian"


def test_without_volumes_and_the_like_there_is_no_platform_document():
    assert len(compile_pipeline(load_config("debian", ["kubeflow.volumes=[]"]))) == 1


@pytest.mark.parametrize(
    "override",
    [
        "kubeflow.pipeline_root=/nmt",  # the launcher knows object stores only
        "kubeflow.workspace=s3://bucket/nmt",  # TensorFlow reads no s3 without an extension
        "kubeflow.volumes=[claim]",
        "kubeflow.secrets=[key]",
        "kubeflow.trainer.tolerations=[gpu]",
        "kubeflow.trainer.cpu=many",
        "kubeflow.trainer.cpu=true",
        "kubeflow.trainer.cpu=-1",
    ],
)
def test_what_a_cluster_could_not_do_is_refused_with_its_key(override):
    with pytest.raises(UserError, match=override.partition("=")[0]):
        load_config("debian", [override])


def test_where_beam_runs_on_an_engine_every_task_knows_the_folder_that_its_workers_reach():
    beam = ["beam.runner=flink", "beam.portable.job_endpoint=nmt-beam-jobs:8099"]
    [specification, _] = compile_pipeline(load_config("debian", beam), "abc")
    shared = {"name": "NMT_SHARED_FOLDER", "value": "/nmt/beam"}
    for executor in specification["deploymentSpec"]["executors"].values():
        assert shared in executor["container"]["env"]


def test_the_first_task_checks_the_parameters_and_all_folders_written_by_the_run(specification):
    assert container(specification, "CheckRun")["args"] == [
        CHECK_RUN, '["/nmt/pipelines/debian", "/nmt/models/debian"]', "{{$}}",
    ]  # fmt: skip
    parameters = specification["root"]["inputDefinitions"]["parameters"]
    assert tasks(specification)["CheckRun"]["inputs"]["parameters"].keys() == parameters.keys()
    assert tasks(specification)["CheckRun"]["cachingOptions"] == {}
    first = [name for name, task in tasks(specification).items() if not task.get("dependentTasks")]
    assert first == ["CheckRun"]


def test_the_report_and_the_scores_are_outputs_shown_by_kubeflows_pages(specification):
    for task, output, title in (
        ("ModelReport", "page", "system.HTML"),
        ("Evaluator", "scores", "system.Metrics"),
    ):
        component = specification["components"][task]
        assert component["outputDefinitions"]["artifacts"][output] == {
            "artifactType": {"schemaTitle": title, "schemaVersion": "0.0.1"}
        }


def test_dataflow_wants_a_workspace_in_a_bucket():
    beam = [
        "beam.runner=dataflow", "beam.dataflow.project=p", "beam.dataflow.region=r",
        "beam.dataflow.temp_location=gs://b/t", "beam.dataflow.image=registry.example/nmt:1",
    ]  # fmt: skip
    with pytest.raises(UserError, match="must lie in a bucket"):
        compile_pipeline(load_config("debian", beam), "abc")
    compile_pipeline(load_config("debian", [*beam, "kubeflow.workspace=gs://b/nmt"]), "abc")


def test_a_warm_start_cannot_be_compiled():
    with pytest.raises(UserError, match="training.warm_start needs a model at the start"):
        compile_pipeline(load_config("debian", ["training.warm_start=true"]))
