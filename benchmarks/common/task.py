"""The task of a system: a configuration, its corpus, and the splits as the pipeline reads them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from components.parallel_text import LineLimits
from pipeline.config.settings import PipelineConfig, load_config, made_configs
from pipeline.corpora.accepted import accepted_pairs
from pipeline.corpora.catalogue import prepare_corpus
from pipeline.corpora.display import shown_progress
from pipeline.corpora.information import Split
from pipeline.errors import UserError
from pipeline.workspace import Workspace, is_remote
from trainer.scoring import Tokeniser


@dataclass(frozen=True)
class ParallelText:
    """Sentences and their translations, row by row."""

    sources: list[str]
    targets: list[str]
    tokeniser: Tokeniser = "13a"
    """That of BLEU of the targets."""


@dataclass(frozen=True)
class Task:
    """A configuration with its corpus ready."""

    config_option: str
    """Name or path of the configuration: the value for `--config`."""
    overrides: tuple[str, ...]
    """Values for `--set`, the same for every system."""
    config: PipelineConfig
    corpus: str
    """The corpus folder."""
    folder: str
    """Parent of the systems' workspaces, one for each system."""

    def read(self, split: Split) -> ParallelText:
        """Reads a split without the lines rejected by the pipeline as malformed."""
        data = self.config.data
        limits = LineLimits(data.max_words, data.max_characters, data.max_length_ratio)
        text = read_split(Path(self.corpus), split, limits)
        return replace(text, tokeniser=self.config.scoring.tokeniser)


def prepare_task(config: str, overrides: Sequence[str], workspace: str | None) -> Task:
    """Reads a configuration, and makes its corpus if it is a known one and missing.

    Args:
      config: the value of `--config`.
      overrides: `section.key=value`.
      workspace: the value of `--workspace`, if given.

    Raises:
      UserError: the configuration is invalid, the workspace remote, or the corpus not available.
    """
    settings = load_config(config, overrides, workspace)
    place = Workspace.resolve(workspace)
    if is_remote(place.root):
        raise UserError(f"The workspace {place.root} is remote: give a --workspace on this disk.")
    with shown_progress() as progress:
        prepare_corpus(settings.data.corpus, Path(place.root), progress=progress)
    corpus = place.corpus(settings.data.corpus)
    return Task(
        # The systems' workspaces differ from this one, so they need full paths.
        config_option=made_configs(workspace).get(config, config),
        overrides=(*overrides, f"data.corpus={json.dumps(corpus, ensure_ascii=False)}"),
        config=settings,
        corpus=corpus,
        folder=f"{place.root}/benchmarks",
    )


def read_split(folder: Path, split: Split, limits: LineLimits) -> ParallelText:
    """Reads a split of a corpus folder.

    Args:
      folder: folder with the shards and `corpus.json`.
      split: `train`, `validation` or `test`.
      limits: lines beyond them, or otherwise malformed, are left out, as in the pipeline.

    Raises:
      UserError: the folder holds no corpus.
    """
    text = ParallelText([], [])
    for pair in accepted_pairs(folder, split, limits):
        text.sources.append(pair.source.decode("utf-8"))
        text.targets.append(pair.target.decode("utf-8"))
    return text
