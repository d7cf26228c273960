from pathlib import Path

from pipeline.running.lost_history import is_history_lost


def test_a_history_is_lost_if_artifacts_are_there_without_it(tmp_path: Path) -> None:
    metadata, root = tmp_path / "metadata.db", tmp_path / "pipelines" / "own"
    assert not is_history_lost(str(metadata), str(root))
    root.mkdir(parents=True)
    (root / "run.log").touch()
    assert not is_history_lost(str(metadata), str(root))
    (root / "Trainer").mkdir()
    assert is_history_lost(str(metadata), str(root))
    metadata.touch()
    assert is_history_lost(str(metadata), str(root))
    metadata.write_bytes(b"SQLite format 3")
    assert not is_history_lost(str(metadata), str(root))
