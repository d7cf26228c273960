import pytest

from components.gate.recording_evaluator import VERDICT_JSON
from components.gate.verdict import Check, Difference, Verdict
from components.model_report import REPORT_FILE
from pipeline.kubeflow.visualizations import add_visualizations, without_visualizations

VERDICT = Verdict(
    blessed=False,
    has_baseline=True,
    live_version="1",
    difference=Difference(points=-2.0, low=-3.0, high=-1.0),
    checks=(
        Check(metric="bleu", slice="overall", value=20.0, rule="at least", bound=25, passed=False),
    ),
    unjudged={},
    problems=(),
    metrics={
        "overall": {
            "candidate": {"bleu": 20.0, "chrf": 48.5, "bleu_drop": 2.0},
            "baseline": {"bleu": 22.0},
        }
    },
    signatures={},
)


def executor_input(**places):
    artifacts = {name: {"artifacts": [{"uri": str(uri)}]} for name, uri in places.items()}
    return {"inputs": {}, "outputs": {"artifacts": artifacts, "outputFile": "out.json"}}


def test_the_component_does_not_see_the_additional_outputs():
    given = executor_input(report="/report", page="/page")
    assert without_visualizations(given) == executor_input(report="/report")
    assert without_visualizations(executor_input(model="/m")) == executor_input(model="/m")


def test_the_report_is_a_page_of_its_own(tmp_path):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / REPORT_FILE).write_text("<p>good</p>", encoding="utf-8")
    page = tmp_path / "task" / "page"
    given = executor_input(report=tmp_path / "report", page=page)
    answer = add_visualizations({"artifacts": {"report": {"artifacts": []}}}, given)
    assert page.read_text(encoding="utf-8") == "<p>good</p>"
    assert answer["artifacts"].keys() == {"report", "page"}
    assert answer["artifacts"]["page"]["artifacts"] == [{"uri": str(page), "metadata": {}}]


def test_the_scores_are_those_of_the_verdict(tmp_path):
    (tmp_path / VERDICT_JSON).write_text(VERDICT.model_dump_json(), encoding="utf-8")
    answer = add_visualizations({}, executor_input(evaluation=tmp_path, scores="/scores"))
    [artifact] = answer["artifacts"]["scores"]["artifacts"]
    assert artifact["uri"] == "/scores"
    assert artifact["metadata"] == {
        "verdict": "blocked",
        "BLEU": 20.0,
        "chrF": 48.5,
        "BLEU of the live model": 22.0,
        "reasons": "BLEU (all) is 20.00, must be at least 25",
    }


@pytest.mark.parametrize("output", [{}, {"artifacts": {"model": {"artifacts": []}}}])
def test_other_outputs_stay_as_they_are(output):
    assert add_visualizations(output, executor_input(model="/model")) == output
