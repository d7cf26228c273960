"""A real model's attention reaches the Evaluator unchanged."""

import numpy as np
import tensorflow as tf

from components.gate.served_attention import ServedAttention, read_served_attention
from serving.local.model import LocalModel
from tests.trainer.tiny_export import export_tiny_model, serialised_example

TEXTS = ["The cat sees the mat.", "Dog!", "", "The 日本 😀 of the house likes nothing at all."]


def test_the_attention_of_examples_is_that_of_the_same_texts(tmp_path):
    folder = export_tiny_model(tmp_path)
    model = tf.saved_model.load(str(folder))
    examples = tf.constant([serialised_example(text) for text in TEXTS])
    outputs = model.signatures["serve_examples"](examples=examples)
    for row, expected in enumerate(LocalModel(folder).translate(TEXTS)):
        served = ServedAttention(
            *(outputs[name].numpy()[row, 0] for name in ServedAttention._fields)
        )
        read = read_served_attention(expected.text, served)
        assert (read.source_tokens, read.target_tokens) == (
            expected.source_tokens,
            expected.target_tokens,
        )
        np.testing.assert_allclose(read.attention, expected.attention, atol=1e-5)
