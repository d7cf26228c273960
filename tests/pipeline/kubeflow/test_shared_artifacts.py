"""Artifacts of a task whose work Beam does on an engine."""

import json
from pathlib import Path

import pytest
from tfx.dsl.components.base import base_beam_executor

from pipeline.kubeflow.entrypoint import SHARED_FOLDER, main
from pipeline.kubeflow.shared_artifacts import shared_artifacts


class CopyingExecutor(base_beam_executor.BaseBeamExecutor):
    """Copies its input's text, and says where it found it."""

    def Do(self, input_dict, output_dict, exec_properties):
        [source], [target] = input_dict["model"], output_dict["copy"]
        text = Path(source.uri, "text").read_text(encoding="utf-8")
        Path(target.uri, "below").mkdir(parents=True)
        Path(target.uri, "below", "text").write_text(f"{text} from {source.uri}", encoding="utf-8")


@pytest.fixture
def message(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "text").write_text("text", encoding="utf-8")
    return {
        "inputs": {"artifacts": {"model": {"artifacts": [{"uri": str(tmp_path / "model")}]}}},
        "outputs": {
            "artifacts": {
                "copy": {
                    "artifacts": [
                        {
                            "uri": str(tmp_path / "copy"),
                            "type": {"instanceSchema": "title: tfx.Model\ntype: object\n"},
                        }
                    ]
                }
            },
            "outputFile": str(tmp_path / "out" / "answer.json"),
        },
    }


def run(message):
    specification = {"artifacts": {"model": {"artifactType": model_type()}}}
    return main(
        [
            "--executor_class_path", f"{__name__}.{CopyingExecutor.__name__}",
            "--json_serialized_invocation_args", json.dumps(message),
            "--json_serialized_inputs_spec_args", json.dumps(specification),
        ]
    )  # fmt: skip


def model_type():
    return {"instanceSchema": "title: tfx.Model\ntype: object\n"}


def test_beam_reads_and_writes_in_the_shared_folder(tmp_path, message, monkeypatch):
    shared = tmp_path / "shared"
    monkeypatch.setenv(SHARED_FOLDER, str(shared))
    assert run(message) == 0
    text = (tmp_path / "copy" / "below" / "text").read_text(encoding="utf-8")
    assert text.startswith(f"text from {shared}/")
    assert list(shared.iterdir()) == []
    answer = json.loads((tmp_path / "out" / "answer.json").read_text(encoding="utf-8"))
    assert answer["artifacts"]["copy"]["artifacts"][0]["uri"] == str(tmp_path / "copy")


def test_without_an_engine_nothing_is_moved(tmp_path, message, monkeypatch):
    monkeypatch.delenv(SHARED_FOLDER, raising=False)
    assert run(message) == 0
    text = (tmp_path / "copy" / "below" / "text").read_text(encoding="utf-8")
    assert text == f"text from {tmp_path / 'model'}"


def fail_while_shared(message, folder):
    with shared_artifacts(message, folder) as moved:
        [model] = moved["inputs"]["artifacts"]["model"]["artifacts"]
        assert Path(model["uri"], "text").read_text(encoding="utf-8") == "text"
        raise RuntimeError("a worker was lost")


def test_a_task_that_fails_leaves_nothing_in_the_shared_folder(tmp_path, message):
    with pytest.raises(RuntimeError, match="worker"):
        fail_while_shared(message, str(tmp_path / "shared"))
    assert list((tmp_path / "shared").iterdir()) == []
    assert not (tmp_path / "copy").exists()


def test_the_message_that_came_stays_as_it_was(tmp_path, message):
    before = json.dumps(message)
    with shared_artifacts(message, str(tmp_path / "shared")):
        pass
    assert json.dumps(message) == before
