"""Which pushes TFX's cache forgets, because their version is gone and nobody meant it to be."""

import shutil
from pathlib import Path

import pytest
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.running.lost_pushes import forget_lost_pushes
from pipeline.running.record import open_store
from serving.versions.push import push, roll_back
from serving.versions.store import LocalStore

STORE = LocalStore()


class Pushes:
    """A serving directory, and the artifacts of the pushes to it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "models/captions"
        self.metadata: MetadataStore = open_store(str(root / "metadata.db"))

    def push(self, name: str, keep: int = 5) -> tuple[Path, Path]:
        """Pushes a model; returns its version and its artifact."""
        model = self.root / "candidates" / name
        (model / "variables").mkdir(parents=True)
        (model / "saved_model.pb").write_bytes(bytes([0x12, len(name)]) + name.encode())
        (model / "variables/variables.index").write_bytes(b"index")
        (model / "variables/variables.data-00000-of-00001").write_bytes(b"values")
        version = push(str(model), str(self.folder), STORE, keep=keep).path
        assert version is not None
        uri = self.root / "pipelines/captions/Pusher" / name
        uri.mkdir(parents=True)
        kind = self.metadata.put_artifact_type(pb.ArtifactType(name="PushedModel"))
        artifact = pb.Artifact(type_id=kind, uri=str(uri))
        artifact.custom_properties["pushed_destination"].string_value = version
        self.metadata.put_artifacts([artifact])
        return Path(version), uri

    def forget(self) -> None:
        forget_lost_pushes(self.metadata, str(self.root / "pipelines/captions"))


@pytest.fixture
def pushes(tmp_path: Path) -> Pushes:
    return Pushes(tmp_path)


def test_a_push_whose_version_is_there_is_remembered(pushes: Pushes) -> None:
    _, artifact = pushes.push("one")
    pushes.forget()
    assert artifact.exists()


def test_a_push_whose_version_was_removed_by_hand_is_forgotten(pushes: Pushes) -> None:
    version, artifact = pushes.push("one")
    shutil.rmtree(version)
    pushes.forget()
    assert not artifact.exists()


def test_a_push_whose_version_made_room_for_newer_ones_is_remembered(pushes: Pushes) -> None:
    version, artifact = pushes.push("one")
    pushes.push("two", keep=2)
    pushes.push("three", keep=2)
    assert not version.exists()
    pushes.forget()
    assert artifact.exists()


def test_a_push_that_was_rolled_back_is_remembered_when_its_version_is_removed(
    pushes: Pushes,
) -> None:
    pushes.push("one")
    version, artifact = pushes.push("two")
    roll_back(str(pushes.folder), STORE)
    shutil.rmtree(version)
    pushes.forget()
    assert artifact.exists()


def test_a_workspace_without_pushes_has_none_to_forget(pushes: Pushes) -> None:
    pushes.forget()
