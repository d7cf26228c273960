"""A whole run in bad surroundings makes the same bytes as in good ones.

On another number of processors TensorFlow adds the terms of some gradients in another order, so
the last bits of the weights may differ.

plain     as usual
bare      one processor, a user without name, rights or HOME, only the loopback network, umask 077,
          another time zone, spaces in the path
clock     the year 2200, and a home that cannot be written
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.end_to_end.test_end_to_end import ROOT, SETTINGS
from tests.real_text import write_made_up_text

NAME = "tiny"
TINY = SETTINGS | {
    "name": NAME,
    "data.corpus": NAME,
    "subwords.vocabulary_size": 400,
    "model.embedding_size": 16,
    "model.encoder_units": 16,
    "model.decoder_units": 16,
    "model.attention_units": 16,
    "training.epochs": 1,
    # Hardly trained: a BLEU of 0 would be blocked.
    "evaluation.metric": "chrf",
    "evaluation.min_chrf": 0,
    "report.sentences": 5,
}
EQUAL = {
    "examples": "ParallelTextExampleGen/examples/*/Split-*/*",
    "vocabulary": "Transform/transform_graph/*/transform_fn/assets/*",
    "transformed examples": "Transform/transformed_examples/*/Split-*/*",
    "weights": "Trainer/model/*/Format-Serving/variables/*",
}
USER = 12345
NAMELESS = [
    str(ROOT / "scripts/loopback_only.sh"),
    *("unshare", "--user", f"--map-user={USER}", f"--map-group={USER}"),
]
PROBE = "import os, socket; print(os.geteuid(), [name for _, name in socket.if_nameindex()])"


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return write_made_up_text(tmp_path_factory.mktemp("text"), 600)


def run_in(folder, text, *, prefix=(), **environment):
    """Imports the text and runs the pipeline, after `prefix` and in a changed environment.

    Returns:
      The summary of the run, the checksums of the files of `EQUAL`, and the weights by name.
    """
    changed = {**os.environ, **environment}
    for arguments in (
        [*f"corpus import --name {NAME} --validation 60 --test 60 --tsv".split(), str(text)],
        ["run", "--config=debian", "--json", *(f"--set={k}={v}" for k, v in TINY.items())],
    ):
        done = subprocess.run(
            [*prefix, sys.executable, "-m", "pipeline", *arguments, "--workspace", str(folder)],
            cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=600, check=False,
            env={name: value for name, value in changed.items() if value is not None},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    files = {
        kind: sorted(folder.glob(f"pipelines/{NAME}/{pattern}")) for kind, pattern in EQUAL.items()
    }
    checksums = {
        kind: [
            (str(path.relative_to(folder)), hashlib.sha256(path.read_bytes()).hexdigest())
            for path in paths
        ]
        for kind, paths in files.items()
    }
    return json.loads(done.stdout), checksums, read_weights(files["weights"][0].parent)


def read_weights(folder):
    """Reads the numbers in the variables of a SavedModel, in a folder, by name."""
    reader = tf.train.load_checkpoint(str(folder / "variables"))
    types = reader.get_variable_to_dtype_map()
    return {name: reader.get_tensor(name) for name in types if types[name].is_floating}


@pytest.fixture(scope="module")
def plain(tmp_path_factory, text):
    return run_in(tmp_path_factory.mktemp("plain"), text)


@pytest.fixture(scope="module")
def nameless():
    """The start of a command for a user without name and rights, and without a network."""
    done = subprocess.run([*NAMELESS, sys.executable, "-c", PROBE], capture_output=True, text=True)
    if done.stdout.strip() != f"{USER} ['lo']":
        pytest.skip(f"unshare makes no such user here: {done.stdout}{done.stderr}")
    return NAMELESS


@pytest.fixture(scope="module")
def bare(tmp_path_factory, text, nameless):
    folder = tmp_path_factory.mktemp("bare") / "with some spaces"
    folder.mkdir()
    prefix = [*nameless, "taskset", "-c", str(min(os.sched_getaffinity(0)))]
    prefix += ["sh", "-c", 'umask 077; exec "$@"', "sh"]
    gone = dict.fromkeys(("HOME", "USER", "LOGNAME"))
    return run_in(folder, text, prefix=prefix, TZ="Pacific/Kiritimati", **gone)


@pytest.fixture(scope="module")
def libfaketime(tmp_path_factory):
    """Debian's library for another time in a process: an installed one, or fetched with apt."""
    name = "faketime/libfaketime.so.1"
    folder = tmp_path_factory.mktemp("faketime")
    if not list(Path("/usr/lib").glob(f"*/{name}")) and shutil.which("apt-get"):
        fetch = "apt-get download libfaketime && dpkg -x libfaketime_*.deb ."
        subprocess.run(["sh", "-c", fetch], cwd=folder, capture_output=True, check=False)
    found = [*Path("/usr/lib").glob(f"*/{name}"), *folder.glob(f"usr/lib/*/{name}")]
    if not found:
        pytest.skip("libfaketime is not installed, and apt cannot fetch it")
    return str(found[0])


@pytest.fixture(scope="module")
def clock(tmp_path_factory, text, nameless, libfaketime):
    home = tmp_path_factory.mktemp("home")
    home.chmod(0o555)
    return run_in(
        tmp_path_factory.mktemp("clock"), text, prefix=nameless, HOME=str(home),
        LD_PRELOAD=libfaketime, FAKETIME="@2200-03-04 05:06:07",
    )  # fmt: skip


@pytest.mark.long
@pytest.mark.end_to_end
def test_a_run_at_another_time_makes_the_bytes_of_any_other(plain, clock):
    summary, made, _ = clock
    assert summary["is_live"]
    assert all(made.values())
    assert made == plain[1]


@pytest.mark.long
@pytest.mark.end_to_end
def test_a_run_on_one_processor_differs_at_most_in_the_last_bits_of_the_weights(plain, bare):
    summary, made, weights = bare
    assert summary["is_live"]
    assert all(made.values())
    for kind in made.keys() - {"weights"}:
        assert made[kind] == plain[1][kind]
    assert weights
    assert weights.keys() == plain[2].keys()
    for name, numbers in weights.items():
        np.testing.assert_allclose(numbers, plain[2][name], rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.long
@pytest.mark.end_to_end
def test_a_run_without_a_home_makes_none(bare):
    assert not (ROOT / "~").exists()


@pytest.mark.long
@pytest.mark.end_to_end
def test_a_version_has_the_date_of_the_clock(clock):
    assert Path(clock[0]["pushed_to"]).name.startswith("72634")


@pytest.mark.slow
def test_a_clock_that_python_cannot_read_is_a_sentence(tmp_path, libfaketime):
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "models", "list", "--workspace", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "LD_PRELOAD": libfaketime, "FAKETIME": "@2287-03-04 05:06:07"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        1,
        "nmt: The clock of this machine shows the year 2287, and Python cannot work after April "
        "2262: set the clock.\n",
    )
