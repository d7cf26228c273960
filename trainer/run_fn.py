"""`run_fn`, called by TFX's Trainer: reads Transform's output, trains, and exports."""

import hashlib
import json
import logging
import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx_bsl.public import tfxio

from trainer.batching import Pairs
from trainer.doubt import CalibrationText
from trainer.ensemble import Ensemble
from trainer.export import export_model
from trainer.model_card import make_card
from trainer.pair_weights import Weights
from trainer.precision import describe_machine
from trainer.reading import read_pairs
from trainer.replicas import Replicas, all_devices
from trainer.scoring import Scoring
from trainer.settings import DecodingSettings, ModelSettings, SubwordSettings, TrainingSettings
from trainer.shortlist import learn_shortlist
from trainer.subwords import SubwordDecoder, read_vocabulary
from trainer.training import TrainingData, TrainingResult, remove_other_checkpoints, train
from trainer.vocabulary_analyzers import VOCABULARY

HISTORY_FILE = "history.json"
LOGGER = logging.getLogger(__name__)


def run_fn(fn_args: FnArgs) -> None:
    """Trains a translation model and writes it to TFX's folder.

    `fn_args.custom_config` has

    - the configuration's sections `subwords`, `model`, `training` and `decoding`,
    - `scoring`: the metric of the validation, and the tokeniser (`trainer.scoring`),
    - `seed` and `checkpoint_root`, and `weights` (`trainer.pair_weights`),
    - `warm_start`: None, or the `export` of the initial weights and its `fingerprint`,
    - `record`: the model's origin, for the model card.

    With `decoding.ensemble` it trains that many models, one after another, and exports them as one.

    A killed training resumes from its last checkpoint if data, settings, code and the number of
    devices are unchanged.

    Training uses all GPUs of this machine, or the GPUs of all workers in TF_CONFIG, which must
    share the folders.
    """
    replicas = all_devices()
    config: dict[str, Any] = fn_args.custom_config
    transform = tft.TFTransformOutput(fn_args.transform_output)
    vocabulary_path = transform.vocabulary_file_by_name(VOCABULARY)
    assert vocabulary_path is not None, "preprocessing_fn names its vocabulary"
    train_pairs, weights = _read_split(fn_args, transform, fn_args.train_files, config["weights"])
    validation_pairs, _ = _read_split(fn_args, transform, fn_args.eval_files)
    data = TrainingData(
        train=train_pairs,
        validation=validation_pairs,
        vocabulary=read_vocabulary(vocabulary_path),
        weights=weights,
    )
    key = _training_key(config, data, replicas.total)
    if replicas.writes:
        remove_other_checkpoints(config["checkpoint_root"], keep=key)
    decoding = DecodingSettings.model_validate(config["decoding"])
    results = []
    for number in range(decoding.ensemble):
        if number:
            LOGGER.info("training model %d of %d", number + 1, decoding.ensemble)
        folder = [f"model-{number + 1}"] if number else []
        result = train(
            data,
            ModelSettings.model_validate(config["model"]),
            TrainingSettings.model_validate(config["training"]),
            decoding,
            seed=config["seed"] + number,
            checkpoint_folder=os.path.join(config["checkpoint_root"], key, *folder),
            log_folder=os.path.join(fn_args.model_run_dir, *folder),
            scoring=Scoring(**config["scoring"]),
            warm_start=config["warm_start"]["export"] if config["warm_start"] else None,
            replicas=replicas,
        )
        results.append(result)
    if replicas.writes:
        _write(fn_args, results, data, vocabulary_path, replicas)
    # Wait for the other workers, since TFX reads the model as soon as a worker returns.
    with replicas.report_lost_worker():
        replicas.mean(0.0)


def _write(
    fn_args: FnArgs,
    results: Sequence[TrainingResult],
    data: TrainingData,
    vocabulary_path: str,
    replicas: Replicas,
) -> None:
    """Writes the history of the first model, and the export of all."""
    config: dict[str, Any] = fn_args.custom_config
    model = ModelSettings.model_validate(config["model"])
    training = TrainingSettings.model_validate(config["training"])
    decoding = DecodingSettings.model_validate(config["decoding"])
    with tf.io.gfile.GFile(os.path.join(fn_args.model_run_dir, HISTORY_FILE), "w") as file:
        file.write(json.dumps(results[0].history, indent=2) + "\n")
    models = [result.model for result in results]
    whole = models[0] if len(models) == 1 else Ensemble(models)
    export_model(
        fn_args.serving_model_dir,
        whole,
        vocabulary_path,
        SubwordSettings.model_validate(config["subwords"]),
        decoding,
        card=make_card(
            config["record"],
            machine=describe_machine(training, replicas.workers),
            history=results[0].history,
            sizes={
                "models": len(models),
                "parameters": sum(math.prod(each.shape) for each in whole.variables),
                "vocabulary": len(data.vocabulary),
                "training_pairs": len(data.train.up_to(training.max_tokens)),
            },
        ),
        warmup_text=_middle_source(data.validation, data.vocabulary),
        calibration=_calibration_text(data, training, config["seed"]),
        shortlist=learn_shortlist(
            whole,
            data.train,
            data.vocabulary,
            # Without attention nothing tells which subwords belong together.
            decoding.shortlist if model.attends else 0,
            config["seed"],
        ),
    )


def _read_split(
    fn_args: FnArgs,
    transform: tft.TFTransformOutput,
    files: Sequence[str],
    weights: Weights | None = None,
) -> tuple[Pairs, np.ndarray]:
    """Reads Transform's examples, and their weights."""
    # `read_pairs` sorts the examples, so they need no shuffling.
    options = tfxio.RecordBatchesOptions(
        batch_size=1024, drop_final_batch=False, num_epochs=1, shuffle=False
    )
    schema = transform.transformed_metadata.schema
    batches = fn_args.data_accessor.record_batch_factory(list(files), options, schema)
    return read_pairs(batches, weights)


def _training_key(config: dict[str, Any], data: TrainingData, replicas: int) -> str:
    """Returns the name of a checkpoint folder, a digest of all inputs of the training."""
    relevant: dict[str, Any] = {
        name: config[name]
        for name in (
            "subwords", "model", "training", "decoding", "scoring", "seed", "code_digest",
            "warm_start", "weights",
        )
    }  # fmt: skip
    relevant["replicas"] = replicas
    others = {"training": {"attention_images"}, "decoding": {"precision", "shortlist", "ensemble"}}
    for section, names in others.items():
        relevant[section] = {
            name: value for name, value in config[section].items() if name not in names
        }
    digest = hashlib.sha256(json.dumps(relevant, sort_keys=True).encode())
    digest.update("\n".join(data.vocabulary).encode())
    for pairs in (data.train, data.validation):
        for side in pairs:
            side.update(digest)
    return digest.hexdigest()[:16]


def _calibration_text(data: TrainingData, settings: TrainingSettings, seed: int) -> CalibrationText:
    """Takes a random sample of the validation split."""
    usable = data.validation.up_to(settings.max_tokens)
    chosen = np.random.default_rng(seed).permutation(usable)[: settings.validation_sentences]
    return CalibrationText.of(data.train, data.validation, chosen, data.vocabulary)


def _middle_source(pairs: Pairs, vocabulary: list[str]) -> str:
    """Returns the source sentence of median length."""
    order = np.argsort(pairs.source.lengths, kind="stable")
    ids = pairs.source[order[len(order) // 2]]
    return SubwordDecoder(vocabulary)(tf.constant(ids)).numpy().decode("utf-8")
