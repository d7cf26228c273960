from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.running.metadata_file import damage_of, is_history_lost, require_readable
from pipeline.running.record import open_store


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


def test_a_damaged_file_is_refused_with_the_remedy(tmp_path: Path) -> None:
    metadata = tmp_path / "metadata.db"
    assert damage_of(str(metadata)) is None  # the first run makes it
    open_store(str(metadata))
    assert damage_of(str(metadata)) is None
    content = metadata.read_bytes()
    metadata.write_bytes(content[:100] + b"?" * (len(content) - 100))
    with pytest.raises(UserError, match=f"{metadata} is damaged .*nmt doctor --fix"):
        require_readable(str(metadata))
