"""Continuous training in one workspace: real runs, in one process, of a tiny network on toy text.

first      trains and pushes the first model
again      nothing to do
span       text was added: trains on all text, starting from the live model, and pushes
again too  nothing to do, although the live model has changed
rolled     after a rollback: the same model comes again, and is not pushed
forced     after going forward again: the model is live, and nothing to do
"""

import contextlib
import io
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from pipeline.corpora.folder import CorpusText, write_corpus
from pipeline.running.record import open_store, read_latest_run
from serving.versions.directory import list_versions
from serving.versions.records import read_records

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.long]

NAME = "toy"
SETTINGS = {
    "name": NAME,
    "data.corpus": NAME,
    "subwords.vocabulary_size": 310,
    "model.embedding_size": 16,
    "model.encoder_units": 16,
    "model.decoder_units": 32,
    "model.attention_units": 16,
    "training.epochs": 12,
    "training.tokens_per_batch": 200,
    "training.learning_rate": 0.01,
    "training.warmup_steps": 5,
    "training.dropout": 0.0,
    "training.average_decay": 0.5,
    "training.warm_start": "true",
    "decoding.beam_size": 1,
    "evaluation.min_bleu": 0.0,
    "evaluation.max_bleu_drop": 100.0,
    "evaluation.bootstrap_resamples": 100,
}
NOUNS = {"cat": "Katze", "dog": "Hund", "mat": "Matte", "house": "Haus", "tree": "Baum"}
VERBS = {"sees": "sieht", "likes": "mag", "finds": "findet", "has": "hat"}
LATER = {"owl": "Eule", "fish": "Fisch"}
BEFORE_TRAINER = {
    "ParallelTextExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "Transform",
}  # fmt: skip
AFTER_TRANSFORM = {"Trainer", "LiveModel", "Evaluator", "ServingValidator", "Pusher", "ModelReport"}


def sentences(nouns: dict[str, str]) -> list[tuple[str, str]]:
    """Returns all sentences of subject, verb and object from the words, with their translations."""
    return [
        (f"The {s} {v} the {o}.", f"Die {nouns[s]} {VERBS[v]} die {nouns[o]}.")
        for s, v, o in itertools.product(nouns, VERBS, nouns)
    ]


@dataclass(frozen=True)
class Run:
    """The result of a run."""

    status: int
    summary: dict[str, Any]
    executed: set[str]
    versions: list[int]


class World:
    """A workspace and the commands for it."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.corpus = workspace / "corpora" / NAME
        self.models = workspace / "models" / NAME

    def answer(self, command: list[str]) -> tuple[int, Any]:
        """Runs a command and reads its JSON."""
        sets = [f"--set={key}={value}" for key, value in SETTINGS.items()]
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            status = main(
                [*command, "--config=multi30k", *sets, "--json", f"--workspace={self.workspace}"]
            )
        return status, json.loads(output.getvalue())

    def run(self) -> Run:
        status, summary = self.answer(["run"])
        nodes = read_latest_run(open_store(str(self.workspace / "metadata.db")), NAME)
        return Run(
            status=status,
            summary=summary,
            executed={name for name, node in nodes.items() if not node.is_cached},
            versions=[version.number for version in list_versions(self.models)],
        )

    def card(self, version: int) -> dict[str, Any]:
        """Returns the model card of a version."""
        path = self.models / str(version) / "assets.extra/model_card.json"
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = World(tmp_path_factory.mktemp("continuous"))
    pairs = sentences(NOUNS)
    write_corpus(
        CorpusText(
            name=NAME,
            source_language="en",
            target_language="de",
            licence="CC0",
            origin="made up",
            splits={"train": pairs[20:], "validation": pairs[:10], "test": pairs[10:20]},
        ),
        made.corpus,
    )
    return made


@pytest.fixture(scope="module")
def history(world: World) -> dict[str, Run]:
    runs = {"first": world.run(), "again": world.run()}
    (world.corpus / "span-1").mkdir()
    text = "".join(f"{source}\t{target}\n" for source, target in sentences(LATER))
    (world.corpus / "span-1/train-00000.tsv").write_text(text, encoding="utf-8")
    runs |= {"span": world.run(), "again too": world.run()}
    assert world.answer(["models", "rollback", "--reason=a test"])[0] == 0
    runs["rolled"] = world.run()
    taken_back = str(runs["span"].versions[-1])
    assert world.answer(["models", "rollback", taken_back])[0] == 0
    runs["forced"] = world.run()
    return runs


def test_the_first_model_is_trained_from_scratch_and_pushed(
    history: dict[str, Run], world: World
) -> None:
    first = history["first"]
    assert (first.status, len(first.versions)) == (0, 1)
    assert first.executed == BEFORE_TRAINER | AFTER_TRANSFORM
    assert world.card(first.versions[0])["warm_start"] is None


def test_new_text_is_trained_on_beginning_with_the_live_model(
    history: dict[str, Run], world: World
) -> None:
    first, span = history["first"], history["span"]
    assert span.executed == BEFORE_TRAINER | AFTER_TRANSFORM
    [before, after] = span.versions
    assert world.card(after)["warm_start"]["version"] == before
    assert world.card(after)["corpus_checksum"] != world.card(before)["corpus_checksum"]
    assert first.versions == [before]


def test_the_vocabulary_is_that_of_the_live_model(history: dict[str, Run], world: World) -> None:
    [before, after] = history["span"].versions
    vocabularies = [world.models / str(each) / "assets/subwords.txt" for each in (before, after)]
    assert vocabularies[0].read_bytes() == vocabularies[1].read_bytes()


def test_training_goes_on_where_the_live_model_had_come_to(
    history: dict[str, Run], world: World
) -> None:
    before, after = (
        [epoch["validation_loss"] for epoch in world.card(each)["history"]]
        for each in history["span"].versions
    )
    assert after[0] < (before[0] + before[-1]) / 2, (before, after)


def test_the_new_model_is_gated_against_the_live_one_and_pushed(history: dict[str, Run]) -> None:
    span = history["span"]
    assert (span.status, span.summary["is_live"]) == (0, True)
    assert span.summary["verdict"]["live_version"] == str(span.versions[0])


@pytest.mark.parametrize("run", ["again", "again too", "forced"])
def test_with_nothing_new_nothing_is_done(history: dict[str, Run], run: str) -> None:
    assert history[run].executed == set()
    assert (history[run].status, history[run].summary["is_live"]) == (0, True)


def test_a_model_that_was_rolled_back_stays_back(history: dict[str, Run]) -> None:
    rolled = history["rolled"]
    assert (rolled.status, rolled.summary["is_live"]) == (1, False)
    assert rolled.executed == {"LiveModel", "Evaluator", "Pusher", "ModelReport"}
    assert "was taken back by" in rolled.summary["not_pushed"]
    assert "a test" in rolled.summary["not_pushed"]
    assert len(rolled.versions) == 3


def test_a_model_that_was_brought_back_is_live_without_a_push(history: dict[str, Run]) -> None:
    forced = history["forced"]
    assert forced.summary["pushed_to"].endswith(f"/{forced.versions[-1]}")
    assert forced.summary["not_pushed"] is None
    assert len(forced.versions) == 4


def test_the_journal_has_every_version(history: dict[str, Run], world: World) -> None:
    assert [record.action for record in read_records(world.models)] == [
        "push", "push", "rollback", "rollback",
    ]  # fmt: skip


def test_the_report_tells_the_history(history: dict[str, Run], world: World) -> None:
    status, report = world.answer(["report"])
    assert status == 0
    assert [event["outcome"] for event in report["events"]] == [
        "pushed", "unchanged", "pushed", "unchanged", "rollback", "not pushed", "rollback",
        "unchanged",
    ]  # fmt: skip
    assert all(event["score"] is not None for event in report["events"] if event["run"])
