"""Shows a run's quality on the pages of Kubeflow Pipelines.

The pages display two types of artifacts: `system.HTML`, a file, and `system.Metrics`, a table of
the artifact's metadata. TFX's components know neither, so compiled pipelines have these outputs in
addition, and the entry point fills them from the component's own outputs:

- ModelReport's `page`: the HTML report;
- Evaluator's `scores`: the verdict and the numbers behind it.
"""

import copy
import os
import shutil
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.kubeflow.executor_input import Json

PAGE, SCORES = "page", "scores"

OUTPUTS: Mapping[str, Mapping[str, str]] = {
    "ModelReport": {PAGE: "system.HTML"},
    "Evaluator": {SCORES: "system.Metrics"},
}
"""The additional outputs of tasks by name, with the titles of their schemas."""
_SHOWN = ("bleu", "chrf", "ter", "sentence_count")


def add_outputs(specification: dict[str, Any]) -> None:
    """Declares the additional outputs in a `PipelineSpec`, in place."""
    for task, outputs in OUTPUTS.items():
        name = specification["root"]["dag"]["tasks"][task]["componentRef"]["name"]
        declared = specification["components"][name]["outputDefinitions"]["artifacts"]
        for output, title in outputs.items():
            declared[output] = {"artifactType": {"schemaTitle": title, "schemaVersion": "0.0.1"}}


def without_visualizations(executor_input: Json) -> Json:
    """Returns the input of a component, which knows nothing of the additional outputs."""
    outputs = executor_input["outputs"]
    own = {name: entry for name, entry in outputs["artifacts"].items() if name not in _WRITERS}
    return {**executor_input, "outputs": {**outputs, "artifacts": own}}


def add_visualizations(executor_output: Json, executor_input: Json) -> Json:
    """Writes the additional outputs of a component.

    Args:
      executor_output: the `ExecutorOutput` message of the component, as JSON.
      executor_input: the `ExecutorInput` message with the additional outputs; its artifacts are on
        the local disk.

    Returns:
      The output with the additional artifacts.
    """
    outputs = executor_input["outputs"]["artifacts"]
    answer = copy.deepcopy(executor_output)
    for name in outputs.keys() & _WRITERS.keys():
        [artifact] = outputs[name]["artifacts"]
        uris = {
            output: entry["artifacts"][0]["uri"]
            for output, entry in outputs.items()
            if output not in _WRITERS
        }
        metadata = _WRITERS[name](uris, artifact["uri"])
        answer.setdefault("artifacts", {})[name] = {
            "artifacts": [{**artifact, "metadata": metadata}]
        }
    return answer


def _write_page(uris: Mapping[str, str], path: str) -> Json:
    from components.model_report import REPORT_FILE

    os.makedirs(os.path.dirname(path), exist_ok=True)
    shutil.copyfile(os.path.join(uris["report"], REPORT_FILE), path)
    return {}


def _write_scores(uris: Mapping[str, str], _: str) -> Json:
    from components.gate.evaluation_reader import read_recorded_verdict
    from components.gate.verdict import BASELINE, CANDIDATE, OVERALL, metric_name

    verdict = read_recorded_verdict(uris["evaluation"])
    models = verdict.metrics.get(OVERALL, {})
    candidate, live = models.get(CANDIDATE, {}), models.get(BASELINE, {})
    scores: Json = {"verdict": "blessed" if verdict.blessed else "blocked"}
    scores |= {metric_name(each): round(candidate[each], 2) for each in _SHOWN if each in candidate}
    if verdict.metric in live:
        name = metric_name(verdict.metric)
        scores[f"{name} of the live model"] = round(live[verdict.metric], 2)
    if verdict.reasons:
        scores["reasons"] = "; ".join(verdict.reasons)
    return scores


_WRITERS: Mapping[str, Callable[[Mapping[str, str], str], Json]] = {
    PAGE: _write_page,
    SCORES: _write_scores,
}
