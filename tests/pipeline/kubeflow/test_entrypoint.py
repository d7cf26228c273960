import json

import pytest

from pipeline.kubeflow.entrypoint import CHECK_RUN, REQUIRE_GPU, main


def arguments(parameters, output):
    return [
        "--executor_class_path",
        "components.no_such_module.Executor",
        "--json_serialized_invocation_args",
        json.dumps(
            {
                "inputs": {"parameterValues": parameters},
                "outputs": {"outputFile": str(output)},
            }
        ),
        "--json_serialized_inputs_spec_args",
        "{}",
    ]


def test_without_a_gpu_a_trainer_that_was_given_one_ends_at_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(REQUIRE_GPU, "1")
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind: [])
    assert main(arguments({}, tmp_path / "out.json")) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("nmt: The Trainer was given a GPU, and TensorFlow sees none")
    assert "Traceback" not in shown


def test_a_wrong_parameter_is_a_sentence(tmp_path, capsys):
    given = {"custom_config": "{}", "epochs": 0}
    assert main(arguments(given, tmp_path / "out.json")) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("nmt: The run's parameter epochs is 0")
    assert "Traceback" not in shown


def check_run(folders, **parameters):
    given = {"inputs": {"parameterValues": parameters}, "outputs": {}}
    return main([CHECK_RUN, json.dumps([str(each) for each in folders]), json.dumps(given)])


def test_a_run_ends_at_once_if_a_folder_cannot_be_written(tmp_path, capsys):
    (tmp_path / "models").write_text("a file in the place of the folder", encoding="utf-8")
    assert check_run([tmp_path / "pipelines" / "debian", tmp_path / "models"]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith(f"nmt: The folder {tmp_path / 'models'} cannot be written by user")
    assert "step 2 of kubeflow/README.md" in shown


@pytest.mark.parametrize(("name", "value"), [("epochs", 2.5), ("min_bleu", 500.5)])
def test_a_run_ends_at_once_if_a_value_typed_on_its_page_is_wrong(tmp_path, capsys, name, value):
    good = {"corpus": "/nmt/corpora/debian", "corpus_checksum": "", "epochs": 3.0}
    assert check_run([tmp_path], **good) == 0
    assert check_run([tmp_path], **good | {name: value}) == 2
    assert capsys.readouterr().err.startswith(f"nmt: The run's parameter {name} is {value}")


@pytest.mark.parametrize("missing", [0, 2, 4])
def test_a_call_that_no_pipeline_makes_is_refused(tmp_path, missing, capsys):
    given = arguments({}, tmp_path / "out.json")
    del given[missing : missing + 2]
    assert main(given) in (1, 2)
    assert "is missing: only pipelines compiled by nmt" in capsys.readouterr().err


def test_what_nobody_expected_leaves_its_traceback_in_the_log(tmp_path, capsys):
    assert main(arguments({}, tmp_path / "out.json")) == 1
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert shown.splitlines()[-1].startswith("nmt: The component failed unexpectedly")
