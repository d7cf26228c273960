"""A cache of translations on disk, so a model translates the same test set only once."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common.systems import System, translate
from pipeline.commands.line_files import written_whole
from serving.versions.directory import fingerprint


def cached_translations(system: System, sources: Sequence[str], folder: Path) -> list[str]:
    """Translates with the exported beam search, or reads the cached translations.

    Args:
      system: the model.
      sources: [sentences].
      folder: folder of the cache, with one file for each text and model, known by its weights.

    Returns:
      [sentences] translations.
    """
    path = folder / f"{_key(system.export, sources)}.json"
    if path.is_file():
        return [str(text) for text in json.loads(path.read_text(encoding="utf-8"))]
    translations = [translation.text for translation in translate(system, sources)]
    folder.mkdir(parents=True, exist_ok=True)
    with written_whole(str(path)) as file:
        json.dump(translations, file, ensure_ascii=False, indent=0)
    return translations


def _key(export: str, sources: Sequence[str]) -> str:
    content = json.dumps([fingerprint(Path(export)), *sources])
    return hashlib.sha256(content.encode("ascii")).hexdigest()[:16]
