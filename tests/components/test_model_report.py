"""ModelReport in real runs on ML Metadata, after the components with its inputs.

first     no model is live yet
again     the same run again, taken from the cache
blocked   another model is live, and the floor is out of reach
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from tfx.components import StatisticsGen
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.types import Channel, standard_artifacts

from components.gate.recording_evaluator import RecordingEvaluator
from components.gate.settings import GateSettings
from components.live_model import LiveModel
from components.model_report import ModelReport
from components.parallel_text_example_gen import ParallelTextExampleGen
from components.serving_validator import ServingValidator
from tests.components.beam_arguments import BEAM_ARGS
from tests.trainer.tiny import MODEL, parallel_text
from tests.trainer.tiny_export import export_tiny_model

pytestmark = pytest.mark.slow

HISTORY = [{"epoch": 1, "step": 9, "train_loss": 5, "validation_loss": 4, "validation_bleu": 1.5}]
SENTENCES = 12


@dataclass(frozen=True)
class Run:
    """The result of a run."""

    page: str
    cached: bool


class World:
    """A workspace with a corpus and two models."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.corpus = root / "corpus"
        self.corpus.mkdir()
        lines = [f"{source}\t{target}\n" for source, target in parallel_text()]
        for split in ("train", "validation", "test"):
            (self.corpus / f"{split}-0.tsv").write_text("".join(lines), encoding="utf-8")
        candidate = export_tiny_model(self._folder("candidate"))
        self.model = root / "model"
        shutil.copytree(candidate, self.model / "Format-Serving")
        self.model_run = self._folder("model_run")
        (self.model_run / "history.json").write_text(json.dumps(HISTORY), encoding="utf-8")
        self.serving = self._folder("serving")
        self.connection = metadata.sqlite_metadata_connection_config(str(root / "metadata.db"))

    def push_another_model(self) -> None:
        """Makes a model live."""
        other = MODEL.model_copy(update={"decoder_units": 12})
        made = export_tiny_model(self._folder("other"), other)
        shutil.copytree(made, self.serving / "1700000000")

    def run(self, **gate: object) -> Run:
        LocalDagRunner().run(self._pipeline(GateSettings(**gate)))
        with metadata.Metadata(self.connection) as handler:
            newest = max(
                handler.store.get_executions_by_type("components.model_report.ModelReport"),
                key=lambda execution: execution.id,
            )
            reports = handler.store.get_artifacts_by_type("File")
        page = Path(max(reports, key=lambda each: each.id).uri, "report.html")
        return Run(page.read_text(encoding="utf-8"), newest.last_known_state == newest.CACHED)

    def _folder(self, name: str) -> Path:
        folder = self.root / name
        folder.mkdir()
        return folder

    def _pipeline(self, gate: GateSettings) -> Pipeline:
        example_gen = ParallelTextExampleGen(input_base=str(self.corpus))
        examples = example_gen.outputs["examples"]
        statistics = StatisticsGen(examples=examples)
        model, model_run = (
            Importer(source_uri=str(folder), artifact_type=kind).with_id(name)
            for name, folder, kind in (
                ("Model", self.model, standard_artifacts.Model),
                ("ModelRun", self.model_run, standard_artifacts.ModelRun),
            )
        )
        candidate = model.outputs["result"]
        live = LiveModel(model=candidate, serving_directory=str(self.serving))
        validator = ServingValidator(model=candidate)
        evaluator = RecordingEvaluator(
            examples=examples,
            example_splits=["test"],
            model=candidate,
            baseline_model=live.outputs["model"],
            infra_blessing=validator.outputs["blessing"],
            settings=gate,
            max_minutes=30,
        )
        report = ModelReport(
            examples=examples,
            statistics=statistics.outputs["statistics"],
            model=candidate,
            model_run=model_run.outputs["result"],
            baseline_model=live.outputs["model"],
            evaluation=evaluator.outputs["evaluation"],
            infra_blessing=validator.outputs["blessing"],
            seed=gate.seed,
            resamples=gate.bootstrap_resamples,
            max_sentences=SENTENCES,
        )
        return Pipeline(
            "report-test",
            pipeline_root=str(self.root / "artifacts"),
            components=[
                example_gen, statistics, model, model_run, live, validator, evaluator, report,
            ],
            enable_cache=True,
            metadata_connection_config=self.connection,
            beam_pipeline_args=BEAM_ARGS,
        )  # fmt: skip


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    world = World(tmp_path_factory.mktemp("report"))
    # The models are untrained: their BLEU is 0, which no floor lets pass.
    runs = {name: world.run(metric="chrf", min_chrf=0) for name in ("first", "again")}
    world.push_another_model()
    runs["blocked"] = world.run(min_bleu=99)
    return runs


def test_the_first_model_has_a_report_that_says_so(history) -> None:
    page = history["first"].page
    assert "Blessed: every check passed" in page
    assert "It is the first model" in page


def test_the_report_of_the_same_run_comes_from_the_cache(history) -> None:
    assert not history["first"].cached
    assert history["again"].cached


def test_a_blocked_model_has_a_report_too(history) -> None:
    assert "Blocked by the gate" in history["blocked"].page


def test_a_blocked_model_is_compared_with_what_is_live(history) -> None:
    page = history["blocked"].page
    assert "version 1700000000" in page
    assert f"of {SENTENCES} have the very same words" in page


def test_the_report_shows_a_sample_of_the_test_split(history) -> None:
    assert f"a sample of {SENTENCES} of the 48 test sentences" in history["first"].page


def test_the_report_has_the_translations_of_the_sample_with_their_scores(history) -> None:
    page = history["first"].page
    worst, typical = page[page.index("Farthest from their references") :].split("<h3>Typical</h3>")
    assert worst.count('class="score">chrF ') == SENTENCES
    assert typical[: typical.index("<h3>Suspicious")].count('class="score">chrF ') == 10


def test_the_report_has_what_statistics_and_training_left(history) -> None:
    page = history["first"].page
    assert "Different texts, and the one that occurs most often" in page
    assert "The weights of epoch 1 were the best" in page


@pytest.mark.parametrize("sentences", [0, -1])
def test_a_report_of_no_sentences_is_refused(sentences) -> None:
    channel = Channel(type=standard_artifacts.Model)
    names = (
        "examples", "statistics", "model", "model_run", "baseline_model", "evaluation",
        "infra_blessing",
    )  # fmt: skip
    with pytest.raises(ValueError, match="max_sentences must be 1 or more"):
        ModelReport(
            **dict.fromkeys(names, channel),
            seed=1,
            resamples=100,
            max_sentences=sentences,
        )
