"""The messages are those of Kubeflow Pipelines' documented protocol: `ExecutorInput` as its driver
makes it and its launcher hands it on, with minio://, s3:// and gs:// URIs."""

import pytest

from pipeline.kubeflow import executor_input
from pipeline.kubeflow.executor_input import local_path, repaired, with_store_uris

MODEL_TYPE = {"instanceSchema": "title: tfx.Model\ntype: object\n"}
INPUTS_SPEC = {"artifacts": {"model": {"artifactType": MODEL_TYPE}}}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The launcher's folders, below a temporary folder instead of the root."""
    monkeypatch.setattr(
        executor_input, "local_path", lambda uri: f"{tmp_path}{local_path(uri)}", raising=True
    )
    return tmp_path


def given(uri="minio://mlpipeline/v2/artifacts/nmt/run/trainer/model"):
    return {
        "inputs": {
            "parameterValues": {"seed": 1},
            "artifacts": {
                "model": {"artifacts": [{"name": "7", "uri": uri, "metadata": {"epochs": 3}}]}
            },
        },
        "outputs": {
            "artifacts": {
                "blessing": {"artifacts": [{"uri": uri.replace("model", "blessing")}]},
                "executor-logs": {"artifacts": [{"uri": uri.replace("model", "logs")}]},
            },
            "outputFile": "/tmp/kfp_outputs/output_metadata.json",
        },
    }


def fill(root, uri):
    path = root / local_path(uri).lstrip("/")
    path.mkdir(parents=True)
    (path / "file").write_text("content", encoding="utf-8")


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("minio://bucket/a/b", "/minio/bucket/a/b"),
        ("s3://bucket/a/b", "/s3/bucket/a/b"),
        ("gs://bucket/a/b", "/gcs/bucket/a/b"),
        ("/a/b", "/a/b"),
        ("hdfs://host/a", "hdfs://host/a"),
    ],
)
def test_an_uri_is_where_the_launcher_keeps_its_copy(uri, path):
    assert local_path(uri) == path


@pytest.mark.parametrize("scheme", ["minio", "s3", "gs"])
def test_an_input_gets_its_type_and_its_local_path(root, scheme):
    message = given(f"{scheme}://bucket/run/model")
    fill(root, f"{scheme}://bucket/run/model")
    [model] = repaired(message, INPUTS_SPEC)["inputs"]["artifacts"]["model"]["artifacts"]
    folder = local_path(f"{scheme}://bucket/run/model")
    assert model == {
        "name": "7",
        "uri": f"{root}{folder}",
        "metadata": {"epochs": 3},
        "type": MODEL_TYPE,
    }


def test_an_artifact_that_its_producer_left_out_is_no_artifact(root):
    assert repaired(given(), INPUTS_SPEC)["inputs"]["artifacts"] == {"model": {"artifacts": []}}


def test_an_empty_folder_is_no_artifact(root):
    message = given()
    uri = message["inputs"]["artifacts"]["model"]["artifacts"][0]["uri"]
    (root / local_path(uri).lstrip("/")).mkdir(parents=True)
    assert repaired(message, INPUTS_SPEC)["inputs"]["artifacts"] == {"model": {"artifacts": []}}


def test_the_logs_are_no_output_of_a_component(root):
    assert repaired(given(), INPUTS_SPEC)["outputs"]["artifacts"].keys() == {"blessing"}


def test_what_needs_no_repair_stays(root):
    fitting = repaired(given(), INPUTS_SPEC)
    assert fitting["inputs"]["parameterValues"] == {"seed": 1}
    assert fitting["outputs"]["outputFile"] == "/tmp/kfp_outputs/output_metadata.json"


def test_the_message_that_came_is_not_changed(root):
    message = given()
    repaired(message, INPUTS_SPEC)
    assert message == given()


def test_a_message_without_artifacts_is_taken():
    message = {"inputs": {}, "outputs": {"outputFile": "/tmp/out.json"}}
    assert repaired(message, {})["inputs"]["artifacts"] == {}


@pytest.mark.parametrize("scheme", ["minio", "s3", "gs"])
def test_the_answer_names_the_store_again(root, scheme):
    message = given(f"{scheme}://bucket/run/model")
    written = {
        "artifacts": {
            "blessing": {
                "artifacts": [
                    {
                        "uri": f"{root}{local_path(f'{scheme}://bucket/run/blessing')}",
                        "metadata": {"blessed": 1},
                    }
                ]
            }
        },
        "parameterValues": {"a": 1},
    }
    assert with_store_uris(written, repaired(message, INPUTS_SPEC), message) == {
        "artifacts": {
            "blessing": {
                "artifacts": [
                    {"uri": f"{scheme}://bucket/run/blessing", "metadata": {"blessed": 1}}
                ]
            }
        },
        "parameterValues": {"a": 1},
    }
