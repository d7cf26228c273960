"""The GPU calls of a training step, counted on a GPU that computes nothing (counting_gpu.cc)."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "counting_gpu"
LIBRARIES = (
    "libcuda.so.1",
    "libnvidia-ml.so.1",
    "libcudart.so.12",
    "libcublas.so.12",
    "libcublasLt.so.12",
    "libcudnn.so.9",
    "libcufft.so.11",
    "libcusolver.so.11",
    "libcusparse.so.12",
)
"""The libraries loaded by TensorFlow before it registers a GPU."""


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    """Returns by length: launches, reads of device memory, and waits of the host for the device."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("there is no g++")
    folder = tmp_path_factory.mktemp("counting_gpu")
    library, source = folder / "libcounting_gpu.so", HERE / "counting_gpu.cc"
    subprocess.run(
        [compiler, "-std=c++17", "-O1", "-shared", "-fPIC", "-o", library, source], check=True
    )
    for name in LIBRARIES:
        (folder / name).symlink_to(library)
    # Nothing is computed, so neither functions of NVIDIA's libdevice nor ptxas are needed.
    (folder / "nvvm/libdevice").mkdir(parents=True)
    (folder / "nvvm/libdevice/libdevice.10.bc").touch()
    flags = [
        f"--xla_gpu_cuda_data_dir={folder}",
        "--xla_gpu_unsafe_fallback_to_driver_on_ptxas_not_found=true",
    ]
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": str(folder),
        "XLA_FLAGS": " ".join(flags),
        "PYTHONPATH": str(Path.cwd()),
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
    environment.pop("CUDA_VISIBLE_DEVICES", None)
    done = subprocess.run(
        [sys.executable, HERE / "step.py", "20", "30"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_step_launches_as_many_kernels_at_any_length(counts):
    assert counts["20"]["launches"] == counts["30"]["launches"]
    # With a loop for each layer and an optimizer of single operations there were thousands.
    assert 100 < counts["30"]["launches"] <= 400


@pytest.mark.slow
def test_a_step_does_not_wait_for_the_device(counts):
    for of_length in counts.values():
        assert of_length["reads"] == of_length["waits"] == 0
