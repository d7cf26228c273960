"""Small folders that look like SavedModels, and stores and clocks for publishing them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from serving.versions.directory import list_versions
from serving.versions.push import PushResult, push
from serving.versions.store import LocalStore

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STORE = LocalStore()


def write_saved_model(folder: Path, content: bytes, shards: int = 1, size: int = 7) -> Path:
    """Writes the files of a SavedModel; the graph is one field of these bytes."""
    (folder / "variables").mkdir(parents=True)
    (folder / "assets").mkdir()
    (folder / "assets" / "subwords.txt").write_bytes(content)
    (folder / "saved_model.pb").write_bytes(bytes([0x12, len(content)]) + content)
    (folder / "variables" / "variables.index").write_bytes(b"index")
    for shard in range(shards):
        name = f"variables.data-{shard:05d}-of-{shards:05d}"
        (folder / "variables" / name).write_bytes(content[:1] * size)
    return folder


class Models:
    """A model directory with models pushed by name, a minute apart."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "models"
        self.time = NOON

    def candidate(self, name: str) -> Path:
        path = self.root / "candidates" / name
        return path if path.exists() else write_saved_model(path, name.encode())

    def push(self, name: str, keep: int = 5) -> PushResult:
        self.time += timedelta(minutes=1)
        return push(
            str(self.candidate(name)), str(self.folder), STORE, keep=keep, clock=lambda: self.time
        )

    def pushed(self, *names: str) -> list[int]:
        """Pushes models one after the other; returns their versions."""
        numbers = [self.push(name).number for name in names]
        return [number for number in numbers if number is not None]

    def numbers(self) -> list[int]:
        return [version.number for version in list_versions(self.folder)]

    def contents(self) -> list[str]:
        """Returns the model of each version, in ascending order of versions."""
        return [
            Path(version.path, "assets/subwords.txt").read_text(encoding="utf-8")
            for version in list_versions(self.folder)
        ]
