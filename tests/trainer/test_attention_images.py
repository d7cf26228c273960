import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.tiny import MODEL, encoded_pairs, write_vocabulary
from trainer import attention_images
from trainer.attention_images import make_attention_images
from trainer.model import TranslationModel
from trainer.subwords import read_vocabulary
from trainer.translation import force


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = write_vocabulary(tmp_path_factory.mktemp("vocabulary"))
    return encoded_pairs(path), read_vocabulary(path)


@pytest.fixture
def drawn(monkeypatch):
    """Returns the list of heatmaps, collected instead of drawing pictures."""
    heatmaps = []

    def draw(heatmap, file_format):
        heatmaps.append(heatmap)
        return tf.io.encode_png(np.zeros([2, 2, 3], np.uint8)).numpy()

    monkeypatch.setattr(attention_images, "draw_picture", draw)
    return heatmaps


def draw(text, indices, number):
    pairs, vocabulary = text
    model = TranslationModel(MODEL, len(vocabulary), seed=1)
    make_attention_images(model, pairs, np.asarray(indices), vocabulary, number)()
    return model


def test_the_heatmaps_are_those_of_forced_decoding(text, drawn):
    pairs, _ = text
    model = draw(text, [5], 1)
    _, attention = force(
        model,
        tf.constant(pairs.source.padded(np.array([5]))),
        tf.constant(pairs.target.padded(np.array([5]))),
    )
    [heatmap] = drawn
    np.testing.assert_allclose(heatmap.weights.sum(axis=1), 1, rtol=1e-5)
    # "Die" and "The", the first words, are one subword each, like the end symbol.
    ends = [0, -1]
    np.testing.assert_allclose(heatmap.weights[0, ends], attention.numpy()[0, 0, ends], rtol=1e-5)


def test_rows_and_columns_are_the_words_of_both_texts(text, drawn):
    draw(text, [0], 1)
    [heatmap] = drawn
    assert heatmap.source == ("The", "cat", "sees", "the", "cat.", "(end)")
    assert heatmap.target == ("Die", "Katze", "sieht", "die", "Katze.")


def test_as_many_are_drawn_as_were_asked_for(text, drawn):
    draw(text, [7, 8, 9], 2)
    assert len(drawn) == 2


def test_sentences_that_are_too_long_are_left_out(text, drawn, monkeypatch):
    pairs, _ = text
    lengths = np.maximum(pairs.source.lengths, pairs.target.lengths)
    monkeypatch.setattr(attention_images, "MOST_SUBWORDS", int(lengths.min()))
    draw(text, range(len(lengths)), 100)
    assert len(drawn) == np.count_nonzero(lengths == lengths.min())


@pytest.mark.parametrize(("indices", "number"), [([], 4), ([1, 2], 0)])
def test_nothing_is_drawn_of_nothing(text, drawn, indices, number):
    draw(text, np.array(indices, int), number)
    assert drawn == []
