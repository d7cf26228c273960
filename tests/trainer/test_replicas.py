"""Compares replicas with one device, in separate processes.

TensorFlow divides the processor into devices, and connects workers, only at its start.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from trainer.batching import Part
from trainer.replicas import ClusterError, _workers, one_device
from trainer.train_step import _one_after_another

ROOT = Path(__file__).parents[2]


def start(folder, name, *, tokens, devices=1, parts=1, killed_at=0, tf_config=None):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
    if tf_config is not None:
        environment["TF_CONFIG"] = json.dumps(tf_config)
    arguments = [name, *map(str, (devices, tokens, parts, killed_at))]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.trainer.train_together", *arguments],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def weights(folder, name):
    """Returns the number of steps, followed by the weights."""
    with np.load(folder / f"{name}.npz") as arrays:
        return [arrays[each] for each in arrays]


def ended(process, status=0):
    _, errors = process.communicate(timeout=300)
    assert process.returncode == status, errors[-3000:]
    return errors


def start_workers(folder, killed_at=0):
    """Starts two workers; the second is killed at a step if one is given."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        cluster = {"worker": [f"127.0.0.1:{each.getsockname()[1]}" for each in (one, two)]}
    return [
        start(
            folder,
            f"worker{index}",
            tokens=40,
            killed_at=killed_at * index,
            tf_config={"cluster": cluster, "task": {"type": "worker", "index": index}},
        )
        for index in range(2)
    ]


@pytest.fixture(scope="module")
def of_one_device(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one_device")
    ended(start(folder, "one", tokens=80))
    return weights(folder, "one")


@pytest.fixture(scope="module")
def of_workers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workers")
    for worker in start_workers(folder):
        ended(worker)
    return [weights(folder, f"worker{index}") for index in range(2)]


def assert_close(found, expected):
    assert found[0] == expected[0] >= 20
    for one, other in zip(found[1:], expected[1:], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.long
@pytest.mark.parametrize(("tokens", "parts"), [(40, 1), (20, 2)])
def test_two_devices_train_the_weights_of_one(tmp_path, of_one_device, tokens, parts):
    ended(start(tmp_path, "two", devices=2, tokens=tokens, parts=parts))
    assert_close(weights(tmp_path, "two"), of_one_device)


@pytest.mark.long
def test_two_workers_train_the_weights_of_one_device(of_workers, of_one_device):
    first, second = of_workers
    assert_close(first, of_one_device)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.long
def test_workers_of_which_one_was_lost_go_on_to_the_same_weights(tmp_path, of_workers):
    first, second = start_workers(tmp_path, killed_at=13)
    errors = ended(first, status=1)
    assert "One of the 2 workers of this training was lost: start all of them again" in errors
    ended(second, status=-9)
    for index in range(2):
        shutil.rmtree(tmp_path / f"worker{index}")
    for worker in start_workers(tmp_path):
        assert "training goes on from step 12" in ended(worker)
    for expected, found in zip(of_workers[0], weights(tmp_path, "worker0"), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_parts_of_a_batch_have_noise_of_their_own():
    part = Part(np.zeros([1, 1], np.int32), np.zeros([1, 1], np.int32), np.float32(1))
    step = tf.constant([1, 2])
    keys = {
        tuple(_one_after_another(lambda part, key: [key], [part], step, first)[0].numpy())
        for first in range(4)
    }
    assert len(keys) == 4
    assert (1, 2) in keys


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, (0, 0)),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}, (2, 1)),
        (
            {
                "cluster": {"chief": ["a:1"], "worker": ["b:1", "c:1"]},
                "task": {"type": "worker", "index": 1},
            },
            (3, 2),
        ),
    ],
)
def test_workers_are_counted_after_the_chief(config, expected):
    assert _workers(json.dumps(config)) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "which names no cluster and task"),
        ("[]", "which names no cluster and task"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {}}', "which names no cluster and task"),
        (
            '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "ps", "index": 0}}',
            "TF_CONFIG names a ps, and training has only a chief and workers",
        ),
    ],
)
def test_a_cluster_that_is_not_understood_is_refused(text, reason):
    with pytest.raises(ClusterError, match=reason):
        _workers(text)


def test_an_error_on_one_machine_is_no_lost_worker():
    with pytest.raises(tf.errors.AbortedError), one_device().report_lost_worker():
        raise tf.errors.AbortedError(None, None, "aborted")
