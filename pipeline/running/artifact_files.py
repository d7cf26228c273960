"""Finds damaged artifacts: their files are recorded after each run, and compared later.

TFX's cache only asks whether the folder of an artifact exists. A file cut off by a full disk or
changed by hand would be read by every later run.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.errors import UserError

FILES = "files.json"
"""The record in a pipeline's root: `{ARTIFACT: {FILE: [bytes, SHA-256]}}`."""

Record = dict[str, dict[str, tuple[int, str]]]


@dataclass(frozen=True)
class Damage:
    """A damaged file of an artifact."""

    artifact: str
    """Folder of the artifact, relative to the pipeline's root: `NODE/CHANNEL/NUMBER`."""
    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.artifact}/{self.file} {self.reason}"


def record_files(store: MetadataStore, pipeline_name: str, root: str) -> None:
    """Records the files of all completed artifacts that are not recorded yet.

    Args:
      store: ML Metadata.
      pipeline_name: the name of the pipeline.
      root: its folder of artifacts.
    """
    known = _read(root)
    there = {each: known[each] for each in known if Path(root, each).is_dir()}
    for artifact in _completed(store, pipeline_name, root):
        if artifact not in there:
            there[artifact] = {
                name: (path.stat().st_size, _digest(path))
                for name, path in _files(Path(root, artifact))
            }
    if there != known:
        new = Path(root, f"{FILES}.new")
        new.write_text(json.dumps(there, indent=1), encoding="utf-8")
        new.replace(Path(root, FILES))


def find_damage(root: str) -> list[Damage]:
    """Compares the files of all recorded artifacts that are still there; a gigabyte takes a second.

    Args:
      root: a pipeline's folder of artifacts.
    """
    found = []
    for artifact, files in _read(root).items():
        folder = Path(root, artifact)
        if not folder.is_dir():
            continue  # removed: TFX makes it again
        for name, (size, digest) in files.items():
            path = folder / name
            if not path.is_file():
                found.append(Damage(artifact, name, "is missing"))
            elif path.stat().st_size != size:
                found.append(
                    Damage(artifact, name, f"has {path.stat().st_size} bytes instead of {size}")
                )
            elif _digest(path) != digest:
                found.append(Damage(artifact, name, "has another content than the run wrote"))
    return found


def require_undamaged(root: str) -> None:
    """Raises UserError if a recorded artifact is damaged."""
    if found := find_damage(root):
        others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise UserError(
            f"An artifact of earlier runs in {root} is damaged: {found[0]}{others}. "
            "`nmt doctor --fix` removes damaged artifacts, and the next run makes them again."
        )


def remove_artifact(root: str, artifact: str) -> None:
    """Removes the folder of an artifact, if it is there; TFX then runs its node again."""
    shutil.rmtree(Path(root, artifact), ignore_errors=True)


def _read(root: str) -> Record:
    try:
        text = Path(root, FILES).read_text(encoding="utf-8")
        return {
            artifact: {name: (size, digest) for name, (size, digest) in files.items()}
            for artifact, files in json.loads(text).items()
        }
    except (FileNotFoundError, ValueError):
        return {}  # a damaged record is written anew


def _completed(store: MetadataStore, pipeline_name: str, root: str) -> Iterator[str]:
    """Yields the folders of the pipeline's completed artifacts, relative to the root."""
    context = store.get_context_by_type_and_name("pipeline", pipeline_name)
    for artifact in store.get_artifacts_by_context(context.id) if context else ():
        inside = os.path.relpath(artifact.uri, root)
        is_here = not inside.startswith("..") and os.path.isdir(artifact.uri)
        if artifact.state == pb.Artifact.LIVE and is_here:
            yield inside


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
