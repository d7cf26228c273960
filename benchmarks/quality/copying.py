"""Measures whether names, numbers and unknown words are copied unchanged.

`components.gate.copied_words` defines words, and the words to copy; the gate shows the same shares.

    python -m benchmarks.quality.copying --config debian --show 50
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import typer

from benchmarks.common.program import ExportOption, run_program
from benchmarks.common.systems import load_system, translate
from benchmarks.common.tables import number, percent, table
from benchmarks.common.task import prepare_task
from components.gate.copied_words import copied_words, has_digit, is_plain
from pipeline.commands.exported_model import find_model
from pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, OverridesOption, WorkspaceOption
from text.words import words_of

ALL = "all"
NAMES = "names and numbers"
WITH_DIGIT = "with a digit"
UNKNOWN = "not in the training text"


@dataclass
class Copies:
    """Counts of one class of words over a test set."""

    needed: int = 0
    """Number of words to copy."""
    kept: int = 0
    """Number of these in our translations."""
    lost: Counter[str] = field(default_factory=Counter)
    """The words missing in our translations."""

    @property
    def share(self) -> float | None:
        """Kept divided by needed, 0 to 1; None if no word was to be copied."""
        return self.kept / self.needed if self.needed else None


def measure_copying(
    sources: Sequence[str],
    references: Sequence[str],
    hypotheses: Sequence[str],
    known_words: Collection[str],
) -> dict[str, Copies]:
    """Counts the words to copy and those kept.

    Args:
      sources: [sentences].
      references: [sentences] human translations.
      hypotheses: [sentences] our translations.
      known_words: words of the training text's source side; best a set.

    Returns:
      The counts of all words; of names and numbers; of words with a digit; and of words unknown to
      the model. Names and numbers are all words except known ones made only of lower-case letters:
      a reference may have these by chance (German also has an `in` and an `so`).
    """
    classes: dict[str, Callable[[str], bool]] = {
        ALL: lambda word: True,
        NAMES: lambda word: word not in known_words or not is_plain(word),
        WITH_DIGIT: has_digit,
        UNKNOWN: lambda word: word not in known_words,
    }
    copies = {name: Copies() for name in classes}
    for source, reference, hypothesis in zip(sources, references, hypotheses, strict=True):
        for word, needed, kept in copied_words(source, reference, hypothesis):
            for name, belongs in classes.items():
                if belongs(word):
                    copies[name].needed += needed
                    copies[name].kept += kept
                    if kept < needed:
                        copies[name].lost[word] += needed - kept
    return copies


def copying_table(copies: dict[str, Copies]) -> str:
    """Renders the counts as a table in Markdown."""
    return table(
        ["words that the reference copies", "number", "kept", "share"],
        [
            [name, number(counts.needed, 0), number(counts.kept, 0), percent(counts.share)]
            for name, counts in copies.items()
        ],
    )


def main(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    model: ExportOption = None,
    show: Annotated[
        int, typer.Option(min=0, metavar="N", help="List the N words that are lost most often.")
    ] = 0,
) -> None:
    """Measure how many of the words to copy a model keeps on the test split."""
    task = prepare_task(config, overrides or (), workspace)
    system = load_system(task.config.name, find_model(config, overrides, workspace, model, None))
    test = task.read("test")
    hypotheses = [translation.text for translation in translate(system, test.sources)]
    known = {word for source in task.read("train").sources for word in words_of(source)}
    copies = measure_copying(test.sources, test.targets, hypotheses, known)
    print(copying_table(copies))
    if show:
        print()
        for word, count in copies[ALL].lost.most_common(show):
            print(f"{count:>4}  {word}{'' if word in known else '  (not in the training text)'}")


if __name__ == "__main__":
    run_program(main)
