import numpy as np
import pytest
import tensorflow as tf

from trainer.int8 import Int8Matrix

RNG = np.random.default_rng(1)
# Columns of different sizes, as one scale for all of them would lose the small ones.
WEIGHTS = (RNG.normal(size=[96, 40]) * np.logspace(-3, 1, 40)).astype(np.float32)
BIAS = RNG.normal(size=40).astype(np.float32)
ROWS = np.tanh(RNG.normal(size=[7, 96])).astype(np.float32)


def multiply(rows, *, bounded, bias=BIAS):
    matrix = Int8Matrix(WEIGHTS, bias, bounded=bounded)
    spec = tf.TensorSpec([None, rows.shape[1]], tf.float32)
    return tf.function(matrix, autograph=False, input_signature=[spec])(rows).numpy()


@pytest.mark.parametrize("bounded", [True, False])
@pytest.mark.parametrize("bias", [None, BIAS], ids=["no bias", "bias"])
def test_products_are_near_those_of_float32_in_each_column(bounded, bias):
    exact = ROWS @ WEIGHTS
    found = multiply(ROWS, bounded=bounded, bias=bias) - (0 if bias is None else bias)
    error = np.sqrt(np.mean((found - exact) ** 2, axis=0) / np.mean(exact**2, axis=0))
    assert error.max() < 0.03
    assert error.min() > 0  # they are rounded


@pytest.mark.parametrize("factor", [1e-4, 50.0])
def test_vectors_of_any_size_keep_their_precision(factor):
    exact = factor * ROWS @ WEIGHTS
    found = multiply(factor * ROWS, bounded=False, bias=None)
    assert np.sqrt(np.mean((found - exact) ** 2) / np.mean(exact**2)) < 0.03


@pytest.mark.parametrize("bounded", [True, False])
def test_the_product_of_a_vector_does_not_depend_on_the_others(bounded):
    others = 0.9 * np.tanh(RNG.normal(size=[60, 96])).astype(np.float32)
    together = multiply(np.concatenate([ROWS, others]), bounded=bounded)[: len(ROWS)]
    np.testing.assert_array_equal(multiply(ROWS, bounded=bounded), together)


@pytest.mark.parametrize("bounded", [True, False])
def test_zeros_and_no_vectors_have_products(bounded):
    zeros = np.zeros([2, 96], np.float32)
    np.testing.assert_allclose(multiply(zeros, bounded=bounded), [BIAS, BIAS], atol=1e-6)
    assert multiply(zeros[:0], bounded=bounded).shape == (0, 40)


def test_a_column_of_zeros_has_products_of_zero():
    matrix = Int8Matrix(np.zeros([4, 3], np.float32), bounded=True)
    found = tf.function(matrix, autograph=False)(tf.ones([2, 4]))
    np.testing.assert_array_equal(found, np.zeros([2, 3]))
