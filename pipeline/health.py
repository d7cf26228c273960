"""The checks of `nmt doctor`: the environment of a run, and the files of a workspace."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from pipeline.corpora.folder import load_corpus
from pipeline.errors import UserError
from pipeline.memory import ENOUGH, GIB, free_memory
from pipeline.running.artifact_files import FILES, find_damage, remove_artifact
from pipeline.running.metadata_file import damage_of
from pipeline.workspace import Workspace, nearest_existing
from serving.versions.directory import list_versions
from serving.versions.integrity import damage

_DISTRIBUTION = "attention-nmt"
_DISK = 2 * GIB
_NATIVE = ("tensorflow", "tfx_bsl", "tensorflow_data_validation", "ml_metadata")
_GPUS = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"
_READ_CHECKPOINT = """import sys, tensorflow as tf
reader = tf.train.load_checkpoint(sys.argv[1])
for name in reader.get_variable_to_shape_map(): reader.get_tensor(name)"""

State = Literal["good", "note", "damaged"]


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    state: State
    """`good`, a `note` that may matter, or `damaged`: runs or servers would fail."""
    sentence: str
    fix: Callable[[], None] | None = None
    """Takes away what is damaged; the next run makes it again. None if only the user can help."""


def environment(workspace: Workspace) -> Iterator[Finding]:
    """Checks packages, native modules, GPUs, memory, disk and Java.

    Args:
      workspace: the workspace; its disk is checked.
    """
    yield Finding("good", f"Python {sys.version.split()[0]}")
    yield _packages()
    for module in _NATIVE:
        error = _failure("-c", f"import {module}")
        if error:
            yield Finding("damaged", f"{module} cannot be imported ({error}): run make setup again")
        else:
            yield Finding("good", f"{module} loads")
    gpus = subprocess.run(
        [sys.executable, "-c", _GPUS], capture_output=True, text=True, check=False
    ).stdout.strip()
    yield Finding("good", f"TensorFlow sees {gpus or '0'} GPUs")
    memory = free_memory()
    remedy = "end other programs, or set smaller batches"
    yield _enough(memory.free, ENOUGH, f"memory {memory.bound}", remedy)
    place = nearest_existing(workspace.root)
    free = shutil.disk_usage(place).free
    yield _enough(free, _DISK, f"disk at {place}", "free some space, or choose another workspace")
    java = shutil.which("java")
    yield Finding("good", f"Java is {java}" if java else "no Java: only Beam on Flink needs it")


def workspace_files(workspace: Workspace) -> Iterator[Finding]:
    """Checks ML Metadata, corpora, artifacts, checkpoints and models."""
    yield from _metadata(workspace.metadata)
    for folder in _folders(workspace.corpora):
        try:
            load_corpus(folder)
            yield Finding("good", f"the corpus {folder.name} is as it was made")
        except UserError as error:
            yield Finding("damaged", str(error))
    for folder in _folders(f"{workspace.root}/pipelines"):
        yield from _artifacts(str(folder))
        yield from _checkpoints(folder)
    for folder in _folders(f"{workspace.root}/models"):
        for version in list_versions(str(folder)):
            name = f"version {version.number} of {folder.name}"
            problem = version.problem or damage(version.path)
            if problem is None:
                yield Finding("good", f"{name} is whole")
            else:
                remedy = (
                    f"`nmt models discard {version.number} --set name={folder.name}` removes it"
                )
                yield Finding("damaged", f"{name}: {problem}; {remedy}")


def _packages() -> Finding:
    try:
        needed = [Requirement(each) for each in importlib.metadata.requires(_DISTRIBUTION) or ()]
    except importlib.metadata.PackageNotFoundError:
        return Finding("note", "this project is not installed, but run from its sources")
    wrong = []
    for each in needed:
        if each.marker is not None and not each.marker.evaluate({"extra": "all"}):
            continue
        try:
            found = importlib.metadata.version(each.name)
        except importlib.metadata.PackageNotFoundError:
            found = "none"
        if found == "none" or not each.specifier.contains(found, prereleases=True):
            wrong.append(f"{each.name} {each.specifier} (found {found})")
    if wrong:
        return Finding("damaged", f"packages are missing: {', '.join(wrong)}: run make setup")
    return Finding("good", "all packages have their versions")


def _enough(found: int, wanted: int, of: str, remedy: str) -> Finding:
    amount = f"{found / GIB:.1f} GiB of {of} free"
    if found >= wanted:
        return Finding("good", amount)
    return Finding("note", f"only {amount}, and {wanted / GIB:.0f} are needed: {remedy}")


def _metadata(path: str) -> Iterator[Finding]:
    if not os.path.exists(path):
        return
    problem = damage_of(path)
    if problem is None:
        yield Finding("good", "ML Metadata can be read")
        return

    def set_aside() -> None:
        os.replace(path, f"{path}.damaged")

    yield Finding(
        "damaged",
        f"ML Metadata in {path} is damaged ({problem}): without it the history of runs is lost",
        set_aside,
    )


def _artifacts(root: str) -> Iterator[Finding]:
    found = find_damage(root)
    if not os.path.exists(os.path.join(root, FILES)):
        yield Finding("note", f"no artifact of {root} is recorded yet; each run does it at its end")
    elif not found:
        yield Finding("good", f"the artifacts of {os.path.basename(root)} are as they were made")
    for each in found:
        remove = partial(remove_artifact, root, each.artifact)
        yield Finding("damaged", f"{root}/{each}", remove)


def _checkpoints(pipeline: Path) -> Iterator[Finding]:
    for index in sorted(pipeline.glob("checkpoints/*/*.index")):
        checkpoint = index.with_suffix("")
        error = _failure("-c", _READ_CHECKPOINT, str(checkpoint))
        if error is None:
            yield Finding("good", f"the checkpoint {checkpoint.name} of {pipeline.name} is whole")
            continue

        def remove(index: Path = index, checkpoint: Path = checkpoint) -> None:
            for file in (index, *checkpoint.parent.glob(f"{checkpoint.name}.data-*")):
                file.unlink()

        yield Finding("damaged", f"the checkpoint {checkpoint} is damaged ({error})", remove)


def _failure(*arguments: str) -> str | None:
    """Runs Python in a process of its own, which may crash; returns the end of its errors."""
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"status {done.returncode}"


def _folders(path: str) -> list[Path]:
    try:
        return sorted(each for each in Path(path).iterdir() if each.is_dir())
    except FileNotFoundError:
        return []
