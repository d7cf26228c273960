from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks.gate.worse_models import drop_words, noisy_export
from serving.local.model import LocalModel
from tests.trainer.tiny_export import export_tiny_model

TEXTS = [f"word{number} " * 50 for number in range(40)]


def test_about_the_given_share_of_the_words_is_dropped():
    kept = sum(len(text.split()) for text in drop_words(TEXTS, 0.1, np.random.default_rng(1)))
    assert 0.87 * 2000 < kept < 0.93 * 2000


def test_what_is_kept_is_in_its_order():
    [text] = drop_words(["a b c d e f g h"], 0.5, np.random.default_rng(1))
    assert text.split() == sorted(text.split())


def test_nothing_and_everything_may_be_dropped():
    generator = np.random.default_rng(1)
    assert drop_words(["a b"], 0.0, generator) == ["a b"]
    assert drop_words(["a b"], 1.0, generator) == [""]


def weights(folder: str | Path) -> dict[str, np.ndarray]:
    reader = tf.train.load_checkpoint(str(Path(folder, "variables", "variables")))
    names = reader.get_variable_to_shape_map()
    return {
        name: reader.get_tensor(name)
        for name in names
        if name.startswith("model/") and name.endswith("VARIABLE_VALUE")
    }


def test_noise_has_the_size_that_was_asked_for_and_the_model_still_translates(tmp_path):
    export = str(export_tiny_model(tmp_path))
    noisy = noisy_export(export, tmp_path / "noisy", 0.2, seed=1)
    before, after = weights(export), weights(noisy)
    matrices = [name for name, value in before.items() if value.size > 500]
    assert matrices
    for name in matrices:
        change = (after[name] - before[name]).std() / before[name].std()
        np.testing.assert_allclose(change, 0.2, rtol=0.15)
    assert len(LocalModel(noisy).translate(["The cat sees the mat."])) == 1


def test_the_same_seed_makes_the_same_noise(tmp_path):
    export = str(export_tiny_model(tmp_path))
    first, second = (
        weights(noisy_export(export, tmp_path / name, 0.2, seed=1)) for name in ("a", "b")
    )
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])
