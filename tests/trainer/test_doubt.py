import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from serving.client import TranslationClient
from serving.contract import layout
from serving.doubt.kinds import KINDS
from serving.export.subprocess_check import run_export_check
from serving.local.model import LocalModel
from serving.server.loading import load_model
from tests.serving.server.fake_model import NAME, running_server, settings_for
from tests.trainer.tiny import encoded_pairs, parallel_text, write_vocabulary
from tests.trainer.tiny_export import export_tiny_model
from trainer.doubt import MOST_WARNED, CalibrationText, calibrate, surprise
from trainer.subwords import MASK_IDS, RESERVED, read_vocabulary

TEXTS = ["The cat sees the mat.", "Ünïcödé 日本", "", "The cat. The dog 12:30.", "The " * 40]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> CalibrationText:
    path = write_vocabulary(tmp_path_factory.mktemp("vocabulary"))
    pairs = encoded_pairs(path)
    return CalibrationText.of(pairs, pairs, np.array([3, 1, 7, 20, 30]), read_vocabulary(path))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, text: CalibrationText) -> Path:
    versions = tmp_path_factory.mktemp("models")
    (versions / "making").mkdir()
    return export_tiny_model(versions / "making", calibration=text).rename(versions / "1")


def test_the_text_of_the_calibration_is_that_of_the_chosen_pairs(text: CalibrationText) -> None:
    chosen = [parallel_text()[place] for place in (3, 1, 7, 20, 30)]
    assert list(zip(text.sources, text.references, strict=True)) == chosen


def test_rare_subwords_and_many_of_them_surprise() -> None:
    surprisal = tf.constant([0, 0, 0, 0, 1.0, 9.0])
    ids = tf.constant([[4, 4, 3, 0], [5, 5, 3, 0], [4, 4, 4, 3], [3, 0, 0, 0]], tf.int64)
    texts = tf.constant(["cat dogs", "cat dögs", "cat dogs", ""])
    found = surprise(ids, texts, surprisal)
    np.testing.assert_allclose(found, [2 / 4, 18 / 4, 3 / np.sqrt(24), 0])


def test_a_subword_never_seen_surprises_most(text: CalibrationText) -> None:
    assert not text.surprisal[:4].any()
    assert np.isfinite(text.surprisal).all()
    assert text.surprisal.argmax() >= 4
    without_letters = [*range(4), *MASK_IDS, RESERVED + len(MASK_IDS)]  # the last is the space
    assert not text.surprisal[without_letters].any()
    seen = text.surprisal[text.surprisal > 0]
    assert seen.min() < seen.max() - 3


def made_up_translate(texts: tf.Tensor) -> dict[str, tf.Tensor]:
    """Repeats the text, with a score and a surprise given by its number, or nothing for `bad`."""
    numbers = [float(text.split()[0]) for text in texts.numpy().tolist()]
    rows = len(numbers)
    symbols = tf.constant([["a", "</s>"]] * rows)
    return {
        "translation": tf.constant([b"x" if b"bad" in each else each for each in texts.numpy()]),
        "score": -tf.constant(numbers),
        "source_tokens": symbols,
        "target_tokens": symbols,
        "attention": tf.constant([[[1.0, 0], [0, 1.0]]] * rows),
        "source_length": tf.fill([rows], 2),
        "target_length": tf.fill([rows], 2),
        "truncated": tf.fill([rows], False),
        "doubt": tf.constant(
            [[(7 * number) % 200, *[0.0] * (1 + len(KINDS))] for number in numbers]
        ),
    }


def test_few_good_answers_lie_above_the_limits_and_bad_ones_do_not_count() -> None:
    sources = [f"{number} files are here" for number in range(200)]
    sources += [f"{number} bad ones" for number in range(1000, 1100)]
    limits = calibrate(made_up_translate, CalibrationText(np.zeros(1), sources, sources))
    assert list(limits) == ["length_ratio", *KINDS]
    assert limits["length_ratio"] == 1
    warned = [
        number > limits["score"] or (7 * number) % 200 > limits["language"] for number in range(200)
    ]
    assert MOST_WARNED - 0.011 < np.mean(warned) <= MOST_WARNED
    assert limits["score"] > 195
    assert limits["language"] > 195
    assert limits["loop"] == pytest.approx(0.5)
    assert 0 < limits["length"] < 1e-6


def test_lost_placeholders_are_never_usual() -> None:
    sources = [f"{number} files of %s are bad" for number in range(100)]
    limits = calibrate(made_up_translate, CalibrationText(np.zeros(1), sources, sources))
    assert limits["protected"] == pytest.approx(0.5)


def test_if_hardly_any_answer_is_good_all_count() -> None:
    sources = [f"{number} bad ones" for number in range(100)]
    limits = calibrate(made_up_translate, CalibrationText(np.zeros(1), sources, sources))
    assert 90 < limits["score"] < 100


def test_an_export_carries_its_limits_and_passes_its_check(folder: Path) -> None:
    limits = json.loads((folder / layout.DOUBT).read_text(encoding="utf-8"))
    for translation in LocalModel(folder).translate(TEXTS[:1], n_best=True):
        for each in (translation, *translation.n_best):
            assert each.calibration is not None
            assert each.calibration.surprise > 0
            found = [each.calibration.length_ratio, *each.calibration.limits]
            np.testing.assert_allclose(found, list(limits.values()), rtol=1e-6)
    assert run_export_check(str(folder)).passed


def test_a_client_of_a_server_warns_as_the_model_in_this_process(folder: Path) -> None:
    expected = [each.warnings for each in LocalModel(folder).translate(TEXTS)]
    assert any("unlike the training text" in warnings for warnings in expected)
    with (
        running_server(settings_for(folder.parent), load_model) as server,
        TranslationClient(f"127.0.0.1:{server.port}", NAME) as client,
    ):
        for n_best in (False, True):
            found = client.translate(TEXTS, n_best=n_best)
            assert [each.warnings for each in found] == expected
