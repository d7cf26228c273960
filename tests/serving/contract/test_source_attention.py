import numpy as np

from serving.contract.source_attention import read_source_attention
from serving.heatmap.matrix import make_heatmap

TOKENS = [b"\xe2\x96\x81the", b"\xe2\x96\x81ca", b"t", b"</s>", b""]


def test_the_weights_are_cut_to_the_text_and_added_up_to_its_words():
    weights = np.zeros([1, 2, 3, 5, 5], np.float32)
    weights[0, 1, 2] = [
        [0.5, 0.25, 0.25, 0, 0], [1, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0] * 5,
    ]  # fmt: skip
    response = {
        "source_tokens": np.array([TOKENS], object),
        "source_length": np.array([4], np.int32),
        "self_attention": weights,
        "truncated": np.array([True]),
    }
    found = read_source_attention(response, 0, "the cat")
    assert found.weights.shape == (2, 3, 4, 4)
    assert found.truncated
    heatmap = make_heatmap(found.text, found.of_head(1, 2))
    assert heatmap.source == ("the", "cat", "(end)")
    assert heatmap.target == ("the", "cat")
    np.testing.assert_allclose(heatmap.weights, [[0.5, 0.5, 0], [0.5, 0.5, 0]])
