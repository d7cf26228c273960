"""Are names, numbers and unknown words carried over as they are?

A word is what stands between white space, without the punctuation around it, and has a letter or a
digit. A word of the source is to be copied as often as it is a word of the reference too, but not
more often than it stands in the source; it is kept as often as it is also a word of our
translation, but not more often than it was to be copied. No list of names is needed: the human
translator has said what to copy.

German joins names into compounds (`GTK-Bibliothek`). A word that our translation has only as a part
of such a compound counts as lost, and is also counted on its own, so that both readings are there.

    python -m benchmarks.copying --config debian --show 50
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import typer

from benchmarks.program import run_program
from benchmarks.systems import load_system, translate
from benchmarks.tables import number, percent, table
from benchmarks.task import prepare_task
from pipeline.errors import UserError
from pipeline.options import DEFAULT_CONFIG, ConfigOption, OverridesOption, WorkspaceOption
from pipeline.workspace import Workspace
from serving.model_directory import live_version

_AROUND_WORDS = ".,;:!?…()[]{}<>\"'`´„“”‚‘’«»‹›"

ALL = "all"
WITH_DIGIT = "with a digit"
UNKNOWN = "not in the training text"


@dataclass
class Copies:
    """Counts of one class of words over a test set."""

    needed: int = 0
    """How many words were to be copied."""
    kept: int = 0
    """How many of them our translations have."""
    in_compounds: int = 0
    """How many more they have as a part of a hyphenated compound."""
    lost: Counter[str] = field(default_factory=Counter)
    """The words that were not kept."""

    @property
    def share(self) -> float | None:
        """Kept of needed, 0 to 1; None where nothing was to be copied."""
        return self.kept / self.needed if self.needed else None

    @property
    def share_with_compounds(self) -> float | None:
        """The same if a part of a compound counts as kept."""
        return (self.kept + self.in_compounds) / self.needed if self.needed else None


def words_of(text: str) -> list[str]:
    """Splits a text into words as this benchmark counts them."""
    stripped = (word.strip(_AROUND_WORDS) for word in text.split())
    return [word for word in stripped if any(character.isalnum() for character in word)]


def measure_copying(
    sources: Sequence[str],
    references: Sequence[str],
    hypotheses: Sequence[str],
    known_words: Collection[str],
) -> dict[str, Copies]:
    """Counts what was to be copied and what was kept.

    Args:
      sources: [sentences].
      references: [sentences] human translations.
      hypotheses: [sentences] our translations.
      known_words: those of the training text's source side; best a set.

    Returns:
      The counts of all words, of those with a digit, and of those that the model never saw.
    """
    classes: dict[str, Callable[[str], bool]] = {
        ALL: lambda word: True,
        WITH_DIGIT: lambda word: any(character.isdigit() for character in word),
        UNKNOWN: lambda word: word not in known_words,
    }
    copies = {name: Copies() for name in classes}
    for source, reference, hypothesis in zip(sources, references, hypotheses, strict=True):
        source_words = Counter(words_of(source))
        needed = source_words & Counter(words_of(reference))
        found = Counter(words_of(hypothesis))
        compounds = Counter(
            part
            for word in found.elements()
            if word not in source_words
            for part in word.split("-")
            if part != word
        )
        for word, count in needed.items():
            kept = min(count, found[word])
            lost = count - kept
            for name, belongs in classes.items():
                if belongs(word):
                    copies[name].needed += count
                    copies[name].kept += kept
                    if lost:
                        copies[name].in_compounds += min(lost, compounds[word])
                        copies[name].lost[word] += lost
    return copies


def copying_table(copies: dict[str, Copies]) -> str:
    """Renders the counts as a table in Markdown."""
    return table(
        ["words that the reference copies", "number", "kept", "share", "share with compounds"],
        [
            [
                name,
                number(counts.needed, 0),
                number(counts.kept, 0),
                percent(counts.share),
                percent(counts.share_with_compounds),
            ]
            for name, counts in copies.items()
        ],
    )


def main(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="An exported model; by default the live one."),
    ] = None,
    show: Annotated[
        int, typer.Option(min=0, metavar="N", help="List the N words that are lost most often.")
    ] = 0,
) -> None:
    """Measure on the test split how much of what is to be copied a model keeps."""
    task = prepare_task(config, overrides or (), workspace)
    system = load_system(task.config.name, model or _live_model(task.config.name, workspace))
    test = task.read("test")
    hypotheses = [translation.text for translation in translate(system, test.sources)]
    known = {word for source in task.read("train").sources for word in words_of(source)}
    copies = measure_copying(test.sources, test.targets, hypotheses, known)
    print(copying_table(copies))
    if show:
        print()
        for word, count in copies[ALL].lost.most_common(show):
            print(f"{count:>4}  {word}{'' if word in known else '  (not in the training text)'}")


def _live_model(name: str, workspace: str | None) -> str:
    live = live_version(Workspace.resolve(workspace).models(name))
    if live is None:
        raise UserError(
            f"No model of {name} is live: train one with nmt run, or name one with --model."
        )
    return live.path


if __name__ == "__main__":
    run_program(main)
