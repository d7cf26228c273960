import shutil
import sqlite3
from contextlib import closing
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


def test_what_a_kill_left_of_a_transaction_is_rolled_back(tmp_path: Path) -> None:
    metadata, killed = tmp_path / "metadata.db", tmp_path / "killed.db"
    with closing(sqlite3.connect(metadata)) as connection:
        connection.execute("CREATE TABLE history (line TEXT)")
        connection.commit()
        connection.execute("PRAGMA cache_size = 1")  # pages are written before the commit
        connection.executemany("INSERT INTO history VALUES (?)", [("x" * 1000,)] * 100)
        shutil.copy(metadata, killed)
        shutil.copy(f"{metadata}-journal", f"{killed}-journal")
    assert damage_of(str(killed)) is None
    with closing(sqlite3.connect(killed)) as connection:
        assert connection.execute("SELECT count(*) FROM history").fetchone() == (0,)
