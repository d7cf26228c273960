import json

import pytest

from pipeline import cli, health
from pipeline.health import Finding, workspace_files
from pipeline.running.artifact_files import FILES
from pipeline.running.record import open_store
from pipeline.workspace import Workspace
from tests.serving.standin_model import export_standin

GOOD = [Finding("good", "Python"), Finding("note", "only 1 GiB of memory")]


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A workspace with a pipeline's artifact and metadata, on a machine without problems."""
    monkeypatch.setattr(health, "environment", lambda workspace: iter(GOOD))
    folder = tmp_path / "pipelines" / "small" / "Trainer" / "model" / "4"
    folder.mkdir(parents=True)
    (folder / "model").write_bytes(b"weights")
    record = {"Trainer/model/4": {"model": [7, "0" * 64]}}
    (tmp_path / "pipelines" / "small" / FILES).write_text(json.dumps(record), encoding="utf-8")
    open_store(str(tmp_path / "metadata.db"))
    return tmp_path


def doctor(workspace, capsys, *options):
    status = cli.main(["doctor", "--workspace", str(workspace), *options])
    return status, capsys.readouterr()


def test_a_damaged_artifact_is_named_and_taken_away_when_asked(workspace, capsys):
    status, shown = doctor(workspace, capsys)
    assert status == 1
    assert "Trainer/model/4/model has another content than the run wrote" in shown.out
    assert "1 damaged; those that a run can make again are taken away by --fix." in shown.err
    assert doctor(workspace, capsys, "--fix")[0] == 0
    assert not (workspace / "pipelines/small/Trainer/model/4").exists()
    assert doctor(workspace, capsys)[0] == 0


def test_damaged_metadata_is_set_aside(workspace, capsys):
    database = workspace / "metadata.db"
    database.write_bytes(b"SQLite format 3\0" + b"?" * 4000)
    status, shown = doctor(workspace, capsys, "--fix")
    assert f"ML Metadata in {database} is damaged" in shown.out
    assert database.with_name("metadata.db.damaged").exists()
    assert not database.exists()
    assert status == 0


def test_a_damaged_corpus_and_version_are_named(workspace, capsys):
    corpus = workspace / "corpora" / "own"
    corpus.mkdir(parents=True)
    (corpus / "corpus.json").write_text("{", encoding="utf-8")
    (workspace / "models" / "small" / "7").mkdir(parents=True)
    status, shown = doctor(workspace, capsys, "--fix")
    assert status == 1
    assert str(corpus) in shown.out
    assert "version 7 of small: saved_model.pb is missing" in shown.out


@pytest.mark.slow
def test_a_damaged_checkpoint_is_taken_away(tmp_path):
    tf = pytest.importorskip("tensorflow")
    folder = tmp_path / "pipelines" / "small" / "checkpoints" / "abc"
    for number in (1, 2):
        checkpoint = tf.train.Checkpoint(weights=tf.Variable(tf.range(1000)))
        checkpoint.write(str(folder / f"ckpt-{number}"))
    data = folder / "ckpt-2.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:100])
    found = list(workspace_files(Workspace(str(tmp_path))))
    assert [each.state for each in found] == ["note", "good", "damaged"]
    found[2].fix()
    assert sorted(path.name for path in folder.iterdir()) == [
        "ckpt-1.data-00000-of-00001", "ckpt-1.index",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.long
def test_a_whole_version_is_good_and_this_machine_can_run_a_pipeline(tmp_path, capsys):
    export_standin(tmp_path / "models" / "small" / "1")
    status, shown = doctor(tmp_path, capsys)
    assert "version 1 of small is whole" in shown.out
    assert "all packages have their versions" in shown.out
    assert "tfx_bsl loads" in shown.out
    assert (status, shown.err) == (0, "")
