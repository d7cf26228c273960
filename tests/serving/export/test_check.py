import json
import shutil
from pathlib import Path

import pytest

from serving.contract.signatures import CONTRACTS
from serving.export.check import check_export, main
from serving.export.report import ExportReport
from serving.export.smoke_test import MAX_REQUESTS
from tests.serving.standin_model import export_standin

ATTACKS = {
    "nan_score": "serving_default, sentence 1 alone: output 'score' is not finite",
    "all_empty": "the translations of all ordinary sentences are empty",
    "attention_sum": "sums to 0.5",
    "batch_dependent": "sentence 1 changed: alone it is",
    "fails_on_long_text": "serving_default, a very long text: The model",
    "missing_output": "signatures: 'serving_default' lacks the output 'attention'",
    "missing_signature": "signatures: signature 'n_best' is missing",
}


@pytest.fixture(scope="module")
def sound_report(tmp_path_factory) -> ExportReport:
    report, _ = check_export(export_standin(tmp_path_factory.mktemp("sound") / "model"))
    return report


def test_a_model_that_keeps_the_contract_passes(sound_report):
    assert sound_report.problems == ()
    assert sound_report.passed


def test_every_signature_is_asked(sound_report):
    asked = {request.signature for request in sound_report.requests}
    assert asked == set(CONTRACTS)


def test_no_more_requests_are_sent_than_the_waiting_process_plans_for(sound_report):
    assert len(sound_report.requests) <= MAX_REQUESTS


def test_a_report_survives_its_way_through_json(sound_report):
    assert ExportReport.from_json(sound_report.to_json()) == sound_report


@pytest.mark.parametrize("fault", ATTACKS)
def test_a_broken_promise_is_named(tmp_path, fault):
    report, is_hanging = check_export(export_standin(tmp_path / "model", fault))
    assert not report.passed
    assert not is_hanging
    assert any(ATTACKS[fault] in str(problem) for problem in report.problems), report.problems


def test_a_model_that_is_sound_in_one_signature_is_still_asked_the_others(tmp_path):
    report, _ = check_export(export_standin(tmp_path / "model", "missing_output"))
    asked = {request.signature for request in report.requests}
    assert asked == set(CONTRACTS) - {"serving_default"}


def test_a_folder_without_a_model_is_a_problem_of_loading(tmp_path):
    report, _ = check_export(str(tmp_path))
    assert [problem.request for problem in report.problems] == ["load"]


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 100, b"not a protocol buffer", bytes(range(256)) * 40]
)
def test_a_corrupt_graph_is_a_problem_of_loading(tmp_path, content):
    directory = export_standin(tmp_path / "model")
    Path(directory, "saved_model.pb").write_bytes(content)
    report, _ = check_export(directory)
    assert not report.passed
    assert report.problems


def test_a_graph_cut_in_half_does_not_pass(tmp_path):
    directory = export_standin(tmp_path / "model")
    graph = Path(directory, "saved_model.pb")
    graph.write_bytes(graph.read_bytes()[: graph.stat().st_size // 2])
    report, _ = check_export(directory)
    assert not report.passed


def test_a_model_without_its_variables_does_not_pass(tmp_path):
    directory = export_standin(tmp_path / "model")
    shutil.rmtree(Path(directory, "variables"))
    report, _ = check_export(directory)
    assert [problem.request for problem in report.problems] == ["load"]


def test_no_requests_is_no_pass():
    assert not ExportReport(model="m", problems=()).passed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"passed": true}',
        json.dumps({"passed": True, "model": "m", "problems": [], "requests": []}),
        json.dumps({"passed": True, "model": "m", "problems": [3], "requests": []}),
        json.dumps({"passed": False, "model": "m", "problems": [], "requests": [], "more": 1}),
    ],
)
def test_what_is_no_consistent_report_is_refused(text):
    with pytest.raises(ValueError, match="report"):
        ExportReport.from_json(text)


def test_the_command_says_in_words_what_is_wrong(tmp_path, capfd):
    assert main([str(tmp_path)]) == 1
    output = capfd.readouterr().out
    assert "must not be served" in output
    assert "holds no saved_model.pb" in output
