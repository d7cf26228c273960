import json

import pytest
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.errors import UserError
from pipeline.running.artifact_files import (
    FILES,
    find_damage,
    record_files,
    remove_artifact,
    require_undamaged,
)

NAME = "small"


@pytest.fixture
def store():
    config = pb.ConnectionConfig()
    config.fake_database.SetInParent()
    return MetadataStore(config)


@pytest.fixture
def root(tmp_path, store):
    """A pipeline's folder with two completed artifacts and one of a node that was killed."""
    kind = pb.ArtifactType(name="File")
    kind.id = store.put_artifact_type(kind)
    context_kind = pb.ContextType(name="pipeline")
    context_kind.id = store.put_context_type(context_kind)
    [context] = store.put_contexts([pb.Context(type_id=context_kind.id, name=NAME)])
    for uri, state in (
        ("Transform/transform_graph/3", pb.Artifact.LIVE),
        ("Trainer/model/4", pb.Artifact.LIVE),
        ("Evaluator/evaluation/5", pb.Artifact.PENDING),
    ):
        folder = tmp_path / uri / "assets"
        folder.mkdir(parents=True)
        (folder / "words").write_text("the\ncat\n", encoding="utf-8")
        artifact = pb.Artifact(type_id=kind.id, uri=str(tmp_path / uri), state=state)
        [number] = store.put_artifacts([artifact])
        link = pb.Attribution(artifact_id=number, context_id=context)
        store.put_attributions_and_associations([link], [])
    record_files(store, NAME, str(tmp_path))
    return tmp_path


def test_completed_artifacts_are_recorded(root):
    record = json.loads((root / FILES).read_text(encoding="utf-8"))
    assert record.keys() == {"Transform/transform_graph/3", "Trainer/model/4"}
    assert find_damage(str(root)) == []
    require_undamaged(str(root))


def test_without_a_record_nothing_is_damaged(tmp_path):
    assert find_damage(str(tmp_path)) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("the\n", "has 4 bytes instead of 8"),
        ("teh\ncat\n", "has another content than the run wrote"),
        (None, "is missing"),
    ],
)
def test_a_damaged_file_stops_a_run_with_its_name_and_the_remedy(root, content, reason):
    file = root / "Transform/transform_graph/3/assets/words"
    file.unlink()
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match="`nmt doctor --fix` removes") as error:
        require_undamaged(str(root))
    assert f"Transform/transform_graph/3/assets/words {reason}" in str(error.value)
    remove_artifact(str(root), "Transform/transform_graph/3")
    require_undamaged(str(root))


def test_an_artifact_that_was_removed_is_forgotten_by_the_next_record(root, store):
    remove_artifact(str(root), "Trainer/model/4")
    record_files(store, NAME, str(root))
    record = json.loads((root / FILES).read_text(encoding="utf-8"))
    assert record.keys() == {"Transform/transform_graph/3"}


def test_a_later_change_is_not_recorded_as_if_the_run_had_made_it(root, store):
    (root / "Trainer/model/4/assets/words").write_text("", encoding="utf-8")
    record_files(store, NAME, str(root))
    assert [damage.artifact for damage in find_damage(str(root))] == ["Trainer/model/4"]


def test_a_damaged_record_is_made_anew(root, store):
    (root / FILES).write_text("{", encoding="utf-8")
    assert find_damage(str(root)) == []
    record_files(store, NAME, str(root))
    assert len(json.loads((root / FILES).read_text(encoding="utf-8"))) == 2
