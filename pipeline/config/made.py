"""The configuration of a corpus without a shipped one, made from its languages, size and text.

The training is that of the shipped configuration `debian`. The file is the user's to edit: its
first lines have a digest of the others, and only a file that still fits is replaced.
"""

import hashlib
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.config import strict_yaml
from pipeline.config.floor import Floor, measure_floors
from pipeline.config.settings import load_config
from pipeline.corpora.folder import read_split
from pipeline.corpora.information import CorpusInfo
from pipeline.corpora.mixing import FEATURE
from pipeline.errors import UserError
from pipeline.workspace import Workspace
from text.languages import usual_tag
from trainer.scoring import Metric
from trainer.translation_statistics import MissingTokeniserError

_MODEL = "debian"
_PAIRS_PER_SUBWORD = 5
_SUBWORDS = (1_000, 8_000)
_SUBWORD_STEP = 500
_ALPHABET = 300
"""Characters of an alphabet with its signs, for which the vocabulary has room anyway."""
_PAIRS_SEEN = 440_000
"""10 epochs of the 44,000 pairs of the shipped configuration."""
_EPOCHS = (5, 100)
_DIGEST = re.compile(r"# digest: (?P<digest>[0-9a-f]{64})\n\n(?P<rest>.*)", re.DOTALL)


class Made(NamedTuple):
    """A configuration in the workspace."""

    path: str
    floors: dict[Metric, Floor] | None
    """None if the file was kept, because the user has edited it."""


def configuration_name(corpus: str) -> str:
    """Returns the name of a corpus's configuration: `debian-zh-cn` for `debian-zh_CN`."""
    return re.sub("[^a-z0-9]", "-", corpus.lower())


def subwords_for(pairs: int, characters: int) -> int:
    """Returns the size of a vocabulary: a subword for five pairs, within bounds, and further ones
    for a script of more characters than an alphabet.

    The shipped configurations have these sizes, too.

    Args:
        pairs: number of training pairs.
        characters: number of characters that occur in them twice or more, which the vocabulary
            takes first.
    """
    lowest, highest = _SUBWORDS
    size = min(highest, max(lowest, pairs / _PAIRS_PER_SUBWORD)) + max(0, characters - _ALPHABET)
    return round(size / _SUBWORD_STEP) * _SUBWORD_STEP


def epochs_for(pairs: int) -> int:
    """Returns the number of epochs with about as many steps as the shipped configuration, within
    bounds."""
    fewest, most = _EPOCHS
    return min(most, max(fewest, round(_PAIRS_SEEN / pairs)))


def make_configuration(
    corpus: CorpusInfo, folder: Path, workspace: Workspace, *, force: bool = False
) -> Made:
    """Writes the configuration of a corpus into the workspace.

    Args:
        corpus: a corpus without a shipped configuration.
        folder: its folder.
        workspace: a local workspace.
        force: whether to replace a file that was edited.

    Raises:
        UserError: the tokeniser of BLEU cannot be loaded.
        OSError: the file cannot be written.
    """
    path = Path(workspace.configurations, f"{configuration_name(corpus.name)}.yaml")
    if path.exists() and not force and not _is_untouched(path):
        return Made(str(path), None)
    try:
        floors = measure_floors([*read_split(folder, "test")], corpus.target_language)
    except MissingTokeniserError as error:
        raise UserError(str(error)) from error
    is_inside = os.path.abspath(folder) == workspace.corpus(corpus.name)
    place = corpus.name if is_inside else os.path.abspath(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".partial")
    unfinished.write_text(_text(corpus, folder, place, floors), encoding="utf-8")
    os.replace(unfinished, path)
    return Made(str(path), floors)


def _text(corpus: CorpusInfo, folder: Path, place: str, floors: dict[Metric, Floor]) -> str:
    name, pairs = configuration_name(corpus.name), corpus.counts["train"]
    counted = Counter(
        character for pair in read_split(folder, "train") for text in pair for character in text
    )
    characters = sum(count > 1 for count in counted.values())
    epochs = epochs_for(pairs)
    values: dict[str, Any] = {
        "name": name,
        "data": {
            "corpus": place,
            "source_language": usual_tag(corpus.source_language),
            "target_language": usual_tag(corpus.target_language),
        },
        "subwords": {"vocabulary_size": subwords_for(pairs, characters)},
    }
    model = load_config(_MODEL).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    values |= {section: model[section] for section in model if section not in values}
    values["training"] |= {"epochs": epochs, "patience": max(5, epochs // 4)}
    values["evaluation"] = {f"min_{metric}": floor.value for metric, floor in floors.items()}
    if corpus.packages or corpus.features == (FEATURE,):
        values["evaluation"]["slice_features"] = list(corpus.features)
    comments: dict[strict_yaml.Path, str] = {
        ("subwords", "vocabulary_size"): (
            f"One for {_PAIRS_PER_SUBWORD} of the {pairs:,} training pairs, within bounds, and "
            f"room for their {characters:,} characters."
        ),
        ("training", "epochs"): (
            "About as many steps as with the shipped configuration, in {} to {} epochs.".format(
                *_EPOCHS
            )
        ),
        ("evaluation", "slice_features"): "A model must not be much worse in any of these.",
        ("training", "patience"): "A quarter of the epochs, at least 5.",
        **{("evaluation", f"min_{metric}"): floor.reason for metric, floor in floors.items()},
    }
    rest = (
        f"# {corpus.source_language} to {corpus.target_language}, the corpus {corpus.name}.\n"
        "#\n"
        f"#     nmt run --config {name}\n"
        "#\n"
        "# Holds what differs from the defaults. Values without a comment are those of the\n"
        f"# shipped configuration {_MODEL}. Edit the file as you like: nmt replaces it only as\n"
        "# long as the digest fits. `nmt config show` explains every key.\n"
        f"\n{strict_yaml.dump(values, comments)}"
    )
    return f"# digest: {_digest(rest)}\n\n{rest}"


def _is_untouched(path: Path) -> bool:
    found = _DIGEST.fullmatch(path.read_text(encoding="utf-8", errors="replace"))
    return found is not None and found["digest"] == _digest(found["rest"])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
