import json
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.alignment import aligned_language
from benchmarks.alignment.aligned_language import aligned_text
from tests.trainer import tiny
from tests.trainer.cudnn_reference import operation
from tests.trainer.tiny import (
    DECODING,
    MODEL,
    encoded_pairs,
    parallel_text,
    write_vocabulary,
)
from trainer import cudnn, gpu, training
from trainer.batching import Pairs, Sequences
from trainer.scoring import Judge, Scoring, best_epoch
from trainer.settings import ModelSettings, TrainingSettings
from trainer.subwords import read_vocabulary
from trainer.training import TrainingData, remove_other_checkpoints, train
from trainer.validation import Scores, Validator

# Draws from all that may change a batch, so a resumed training must draw the same.
TRAINING = tiny.TRAINING.model_copy(update={"subword_dropout": 0.1})


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = write_vocabulary(tmp_path_factory.mktemp("vocabulary"))
    pairs = encoded_pairs(path)
    return TrainingData(train=pairs, validation=pairs, vocabulary=read_vocabulary(path))


def run(data, folder, settings=TRAINING, seed=1, model=MODEL, scoring=None):
    return train(
        data,
        model,
        settings,
        DECODING,
        seed=seed,
        checkpoint_folder=str(folder / "checkpoints"),
        log_folder=str(folder / "logs"),
        scoring=scoring,
    )


def weights_of(result):
    return [weight.numpy() for weight in result.model.variables]


def without_seconds(history):
    return [{k: v for k, v in entry.items() if not k.endswith("seconds")} for entry in history]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("uninterrupted")


@pytest.fixture(scope="module")
def uninterrupted(data, folder):
    return run(data, folder)


def kill(data, folder, monkeypatch, interrupted_at):
    """Ends a training at a step; it wrote a checkpoint every two steps."""
    monkeypatch.setattr(training, "STEPS_PER_CHECKPOINT", 2)
    take_step = training.make_train_step

    class Killed(Exception):
        pass

    def make_mortal_step(states, *arguments):
        step = take_step(states, *arguments)

        def mortal_step(batch):
            if int(states[0].step) == interrupted_at:
                raise Killed
            return step(batch)

        return mortal_step

    with monkeypatch.context() as patch:
        patch.setattr(training, "make_train_step", make_mortal_step)
        with pytest.raises(Killed):
            run(data, folder)


def assert_same(result, expected):
    assert without_seconds(result.history) == without_seconds(expected.history)
    for one, other in zip(weights_of(expected), weights_of(result), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("interrupted_at", [3, 13])
def test_a_killed_training_goes_on_to_the_same_weights(
    data, uninterrupted, tmp_path, monkeypatch, interrupted_at
):
    kill(data, tmp_path, monkeypatch, interrupted_at)
    assert_same(run(data, tmp_path), uninterrupted)


@pytest.mark.parametrize("damaged", ["*.data-*", pytest.param("*.index", marks=pytest.mark.long)])
def test_a_training_goes_on_from_the_checkpoint_before_a_damaged_one(
    data, uninterrupted, tmp_path, monkeypatch, caplog, damaged
):
    kill(data, tmp_path, monkeypatch, 13)
    files = list((tmp_path / "checkpoints").glob(damaged))
    newest = max(files, key=lambda path: int(path.stem.split("-")[1].split(".")[0]))
    assert len(files) == 2
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    assert_same(run(data, tmp_path), uninterrupted)
    assert "is damaged, and not used" in caplog.text


def test_accumulated_batches_train_the_weights_of_one_large_batch(data, tmp_path):
    settings = TRAINING.model_copy(update={"dropout": 0.0})
    large = settings.model_copy(update={"tokens_per_batch": 160})
    accumulated = settings.model_copy(update={"tokens_per_batch": 40, "accumulate_batches": 4})
    expected, found = run(data, tmp_path / "1", large), run(data, tmp_path / "4", accumulated)
    assert found.history[-1]["step"] == expected.history[-1]["step"] > 10
    for one, other in zip(weights_of(expected), weights_of(found), strict=True):
        np.testing.assert_allclose(other, one, atol=1e-5)


@pytest.fixture
def pretended_gpu(monkeypatch):
    """Runs everything as for a GPU, but on the processor."""
    monkeypatch.setattr(gpu, "is_there", lambda: True)
    monkeypatch.setattr(gpu, "check", lambda: None)
    monkeypatch.setattr(cudnn, "_operation", operation)


@pytest.mark.parametrize("cell", ["gru", pytest.param("lstm", marks=pytest.mark.long)])
def test_a_gpu_trains_the_same_weights(data, tmp_path, monkeypatch, request, cell):
    model = MODEL.model_copy(update={"cell": cell, "encoder_layers": 2, "decoder_layers": 2})
    # Long enough to show differences, too short for rounding errors to add up.
    settings = TRAINING.model_copy(update={"epochs": 1})
    on_processor = run(data, tmp_path / "processor", settings, model=model)
    request.getfixturevalue("pretended_gpu")
    on_gpu = run(data, tmp_path / "gpu", settings, model=model)
    for expected, found in zip(weights_of(on_processor), weights_of(on_gpu), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_input_feeding_on_a_gpu_is_a_warning(pretended_gpu, data, tmp_path, caplog):
    model = MODEL.model_copy(update={"input_feeding": True})
    run(data, tmp_path, TRAINING.model_copy(update={"epochs": 1}), model=model)
    assert "model.input_feeding keeps the GPU waiting" in caplog.text


def test_a_finished_training_is_not_trained_again(data, folder, uninterrupted):
    assert run(data, folder).history == uninterrupted.history


def test_training_learns_the_text(data, tmp_path):
    settings = TRAINING.model_copy(
        update={
            "epochs": 25,
            "dropout": 0.0,
            "learning_rate": 0.01,
            "average_decay": 0.9,
            "replaced_words": 0.0,
            "subword_dropout": 0.0,
        }
    )
    result = run(data, tmp_path, settings, seed=2)
    assert result.history[0]["validation_bleu"] < 20
    assert max(entry["validation_bleu"] for entry in result.history) > 90


def test_attention_learns_to_align_from_links(tmp_path):
    # Without them the error rate is 0.77 here.
    rng = np.random.default_rng(1)
    train_text, unseen = (aligned_text(rng, size, longest=6) for size in (600, 100))
    data = TrainingData(
        train=train_text.pairs, validation=unseen.pairs, vocabulary=aligned_language.VOCABULARY
    )
    model = ModelSettings(
        encoder="self_attention",
        decoder="self_attention",
        embedding_size=32,
        encoder_units=32,
        decoder_units=32,
        feed_forward_units=64,
        attention_head=2,
        copying=False,
    )
    settings = TrainingSettings(
        alignment_weight=0.5,
        epochs=8,
        tokens_per_batch=200,
        learning_rate=0.01,
        warmup_steps=30,
        dropout=0.0,
        average_decay=0.95,
        precision="float32",
        validation_sentences=1,
    )
    result = run(data, tmp_path, settings, model=model)
    assert aligned_language.alignment_error_rate(result.model, unseen) < 0.4


def test_training_ends_early_when_validation_does_not_improve(data, tmp_path):
    settings = TRAINING.model_copy(update={"epochs": 30, "learning_rate": 1e-12, "patience": 2})
    result = run(data, tmp_path, settings)
    assert len(result.history) == 3


@pytest.mark.parametrize(
    ("metric", "bleu", "chrf", "epochs"),
    [
        ("bleu", [0, 0, 0, 0], [1, 3, 2, 2], 4),
        ("bleu", [0, 2, 1, 1], [9, 3, 2, 2], 4),
        ("bleu", [5, 5, 5, 5], [1, 2, 3, 4], 3),
        ("chrf", [0, 9, 8, 7], [6, 5, 4, 3], 3),
    ],
)
def test_training_ends_by_the_metric_that_judges_and_by_chrf_while_bleu_is_0(
    data, tmp_path, monkeypatch, metric, bleu, chrf, epochs
):
    scores = (Scores(1.0, *each) for each in zip(bleu, chrf, strict=True))
    scripted = Validator(lambda: next(scores), list, Judge(metric, "as this test says."))
    monkeypatch.setattr(training, "make_validator", lambda *_: scripted)
    result = run(data, tmp_path, TRAINING.model_copy(update={"epochs": 4, "patience": 2}))
    assert len(result.history) == epochs
    assert best_epoch(result.history)["epoch"] == epochs - 2


def test_the_log_says_that_chrf_chooses_and_why(data, tmp_path, caplog):
    caplog.set_level("INFO")
    settings = TRAINING.model_copy(update={"epochs": 1})
    result = run(data, tmp_path, settings, scoring=Scoring("chrf"))
    assert "chrF chooses the best epoch: evaluation.metric says chrF." in caplog.text
    assert f"validation chrF {result.history[0]['validation_chrf']:.2f}" in caplog.text
    assert result.history[0]["validation_metric"] == "chrf"


def test_the_log_shows_translations_of_the_same_sentences_each_epoch(data, tmp_path, caplog):
    caplog.set_level("INFO")
    run(data, tmp_path, TRAINING)
    examples = [line.partition(" -> ") for line in caplog.messages if " -> " in line]
    assert len(examples) == 2 * 2
    assert [source for source, _, _ in examples[:2]] == [source for source, _, _ in examples[2:]]
    assert all(source.strip() in dict(parallel_text()) for source, _, _ in examples)


def test_the_exported_weights_are_those_of_the_best_epoch(data, tmp_path):
    settings = TRAINING.model_copy(
        update={"epochs": 4, "learning_rate": 0.05, "average_decay": 0.0}
    )
    result = run(data, tmp_path, settings)
    scores = [entry["validation_bleu"] for entry in result.history]
    validator = training.make_validator(
        result.model,
        data.validation,
        np.arange(len(data.validation.source)),
        data.vocabulary,
        DECODING,
        Scoring(),
    )
    assert validator.validate().bleu == pytest.approx(max(scores), abs=1e-6)


def test_the_history_is_plain_values(uninterrupted):
    assert json.loads(json.dumps(uninterrupted.history)) == uninterrupted.history
    assert [entry["epoch"] for entry in uninterrupted.history] == [1, 2]


def test_a_split_of_too_long_sentences_is_refused(data, tmp_path):
    long = Sequences.of([np.full(50, 300)])
    short = Sequences.of([np.array([300, 301])])
    impossible = TrainingData(Pairs(short, short), Pairs(long, long), data.vocabulary)
    with pytest.raises(ValueError, match=r"validation split has no pair of at most 4"):
        run(impossible, tmp_path, TRAINING.model_copy(update={"max_tokens": 4}))


def test_pairs_of_weight_0_are_not_trained_on(data, tmp_path):
    weights = np.arange(len(data.train.source)) % 2.0
    settings = TRAINING.model_copy(update={"copied_targets": 0.5})
    half = run(replace(data, weights=weights), tmp_path / "half", settings)
    whole = run(data, tmp_path / "whole", settings)
    assert half.history[0]["step"] < whole.history[0]["step"]
    nothing = replace(data, weights=0 * weights)
    with pytest.raises(ValueError, match=r"raise those of data\.weights"):
        run(nothing, tmp_path / "nothing", settings)


def test_only_the_checkpoints_of_this_training_are_kept(tmp_path):
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    remove_other_checkpoints(str(tmp_path), keep="new")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    remove_other_checkpoints(str(tmp_path / "missing"), keep="new")


def events_of(folder):
    """Returns (step, tag, value) of all TensorBoard events."""
    (events,) = (folder / "logs").glob("events*")
    return [
        (event.step, value.tag, value)
        for event in tf.compat.v1.train.summary_iterator(str(events))
        for value in event.summary.value
    ]


def test_tensorboard_gets_the_scores(data, tmp_path):
    run(data, tmp_path)
    tags = {tag for _, tag, _ in events_of(tmp_path)}
    assert {"validation/bleu", "validation/loss"} <= tags


def test_tensorboard_gets_the_attention_of_the_same_sentences_after_each_epoch(data, tmp_path):
    result = run(data, tmp_path, TRAINING.model_copy(update={"attention_images": 2}))
    drawn = [each for each in events_of(tmp_path) if each[1].startswith("attention/")]
    steps = [int(entry["step"]) for entry in result.history]
    assert [(step, tag) for step, tag, _ in drawn] == [
        (step, f"attention/{number}") for step in steps for number in (1, 2)
    ]
    sizes = {tag: set() for _, tag, _ in drawn}
    pictures = {tag: set() for _, tag, _ in drawn}
    for _, tag, value in drawn:
        width, height, picture = value.tensor.string_val
        sizes[tag].add((width, height))
        pictures[tag].add(picture)
    assert all(len(each) == 1 for each in sizes.values())
    assert all(len(each) == len(steps) for each in pictures.values())


def test_no_attention_is_drawn_where_none_is_asked_for(data, tmp_path):
    run(data, tmp_path, TRAINING.model_copy(update={"attention_images": 0}))
    assert not any(tag.startswith("attention/") for _, tag, _ in events_of(tmp_path))


def test_pictures_change_nothing_of_the_training(data, tmp_path, uninterrupted):
    found = run(data, tmp_path, TRAINING.model_copy(update={"attention_images": 0}))
    assert without_seconds(found.history) == without_seconds(uninterrupted.history)
    for expected, weight in zip(weights_of(uninterrupted), weights_of(found), strict=True):
        np.testing.assert_array_equal(expected, weight)
