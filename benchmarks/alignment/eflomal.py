"""Compares attention with an independent statistical word aligner.

The aligner is eflomal (Östling and Tiedemann, 2016), not installed by this project:

    python3 -m venv /tmp/eflomal && /tmp/eflomal/bin/pip install eflomal
    python -m benchmarks.alignment.eflomal --config multi30k \\
        --eflomal /tmp/eflomal/bin/eflomal-align

eflomal runs in both directions over the training and the validation split. Links found in both
directions are sure, links found in either are possible (Och and Ney, 2003). Attention and eflomal
are then compared on the validation split, for words separated by white space; eflomal gets them
without case and without the punctuation around them. Its links are no human judgement, so the
numbers are a comparison, not an error rate.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.common.program import run_program
from benchmarks.common.tables import number, percent, table
from benchmarks.common.task import ParallelText, prepare_task
from pipeline.commands.exported_model import find_model
from pipeline.commands.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    ModelOption,
    OverridesOption,
    WorkspaceOption,
)
from pipeline.errors import RunFailedError, UserError
from serving.attention.alignment import Link, align_words
from serving.attention.words import GivenWords, attention_of_words
from serving.contract.translation import Translation
from serving.local.model import LocalModel

_PARTS = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]+")
_EMPTY = "(empty)"
"""Replaces a line without words, so eflomal counts the same number of lines."""


@dataclass(frozen=True)
class Reference:
    """The aligner's links for one pair of sentences."""

    sure: frozenset[Link]
    possible: frozenset[Link]
    """Includes the sure links."""


@dataclass(frozen=True)
class Agreement:
    """Agreement of an alignment with the references, over a corpus."""

    precision: float
    """Share of possible links among our links."""
    recall: float
    """Share of our links among the sure links."""
    error_rate: float
    """Alignment error rate: 0 if all our links are possible and no sure link is missing."""
    links: float


WeightedLinks = dict[Link, float]


def agreement(found: Iterable[WeightedLinks], references: Iterable[Reference]) -> Agreement:
    """Compares alignments with their references.

    AER is 1 - (|A and S| + |A and P|) / (|A| + |S|) (Och and Ney, 2003). Soft links
    count by their weights (SAER of Tu et al., 2016), hard ones by 1.

    Args:
      found: the links of each sentence with their weights.
      references: the reference links of each sentence.
    """
    links = in_sure = in_possible = sure = 0.0
    for ours, reference in zip(found, references, strict=True):
        links += sum(ours.values())
        in_sure += sum(weight for link, weight in ours.items() if link in reference.sure)
        in_possible += sum(weight for link, weight in ours.items() if link in reference.possible)
        sure += len(reference.sure)
    return Agreement(
        precision=in_possible / links if links else 0.0,
        recall=in_sure / sure if sure else 0.0,
        error_rate=1 - (in_sure + in_possible) / (links + sure) if links + sure else 0.0,
        links=links,
    )


def hard(words: GivenWords) -> WeightedLinks:
    """Returns the links of `nmt align`."""
    return dict.fromkeys(align_words(words), 1.0)


def mutual(words: GivenWords) -> WeightedLinks:
    """Returns the links of `nmt align --mutual`."""
    return dict.fromkeys(align_words(words, mutual=True), 1.0)


def soft(words: GivenWords) -> WeightedLinks:
    """Returns all attention weights as links."""
    return {
        (source, target): float(weight)
        for (target, source), weight in np.ndenumerate(words.attention)
    }


def shifted(translation: Translation, rows: int) -> Translation:
    """Gives each target token the attention of the token `rows` further down."""
    last = len(translation.target_tokens) - 1
    taken = np.clip(np.arange(last + 1) + rows, 0, max(last, 0))
    return replace(translation, attention=translation.attention[taken])


def agreement_of(
    sources: Sequence[str],
    translations: Sequence[Translation],
    references: Sequence[Reference],
    links: Callable[[GivenWords], WeightedLinks],
) -> Agreement:
    """Compares the attention of translations with the references.

    Args:
      sources: [sentences].
      translations: [sentences].
      references: [sentences].
      links: makes links from attention: `hard`, `mutual` or `soft`.
    """
    found = (
        links(attention_of_words(source, translation))
        for source, translation in zip(sources, translations, strict=True)
    )
    return agreement(found, references)


def reference_links(
    executable: str, known: ParallelText, sources: Sequence[str], targets: Sequence[str]
) -> list[Reference]:
    """Aligns sentences with eflomal, trained on these sentences and on further pairs.

    Args:
      executable: path of `eflomal-align`.
      known: the further pairs.
      sources: [sentences].
      targets: [sentences].

    Returns:
      A reference for each sentence, for words separated by white space.

    Raises:
      RunFailedError: eflomal failed.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for side, texts in (
            ("source", [*known.sources, *sources]),
            ("target", [*known.targets, *targets]),
        ):
            lines = "".join(_as_tokens(text) + "\n" for text in texts)
            folder.joinpath(side).write_text(lines, encoding="utf-8")
        options = ("-s", "source", "-t", "target", "-f", "forward", "-r", "reverse")
        done = subprocess.run(
            [executable, *options, "--model", "3"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RunFailedError(f"{executable} failed: {done.stderr.strip() or done.returncode}.")
        forward, reverse = (
            folder.joinpath(side).read_text(encoding="utf-8").split("\n")[len(known.sources) :]
            for side in ("forward", "reverse")
        )
    return [
        _reference(*lines)
        for lines in zip(forward[: len(sources)], reverse, sources, targets, strict=False)
    ]


def _as_tokens(text: str) -> str:
    return " ".join(_PARTS.findall(text.casefold())) or _EMPTY


def _reference(forward: str, reverse: str, source: str, target: str) -> Reference:
    one, other = (_by_words(line, source, target) for line in (forward, reverse))
    return Reference(one & other, one | other)


def _by_words(line: str, source: str, target: str) -> frozenset[Link]:
    """Turns links between tokens into links between words, and drops those of punctuation."""
    theirs, ours = _words_of_tokens(source), _words_of_tokens(target)
    links = (tuple(map(int, link.split("-"))) for link in line.split())
    by_words = {(theirs[i], ours[j]) for i, j in links if i < len(theirs) and j < len(ours)}
    return frozenset((i, j) for i, j in by_words if i is not None and j is not None)


def _words_of_tokens(text: str) -> list[int | None]:
    """Returns the position of each token's word; None for punctuation."""
    return [
        position if any(map(str.isalnum, token)) else None
        for position, word in enumerate(text.split())
        for token in _PARTS.findall(word.casefold())
    ]


def find_eflomal(program: str) -> str:
    """Returns the path of a program.

    Raises:
      UserError: no program of this name was found.
    """
    executable = shutil.which(program)
    if executable is None:
        raise UserError(f"There is no program {program}: name eflomal-align with --eflomal.")
    return executable


EflomalOption = Annotated[str, typer.Option(metavar="PATH", help="The program eflomal-align.")]


def main(
    eflomal: EflomalOption = "eflomal-align",
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    model: ModelOption = None,
) -> None:
    """Compare attention with eflomal on the validation split."""
    executable = find_eflomal(eflomal)
    task = prepare_task(config, overrides or (), workspace)
    system = LocalModel(find_model(config, overrides, workspace, model, None))
    train, validation = task.read("train"), task.read("validation")
    sources = validation.sources

    rows = []
    forced: list[Translation] = [*system.score(sources, validation.targets)]
    references = reference_links(executable, train, sources, validation.targets)
    for name, links in (("hard", hard), ("mutual", mutual), ("soft", soft)):
        rows.append(_row(f"references, {name}", sources, forced, references, links))
    for distance in (-1, 1):
        moved = [shifted(translation, distance) for translation in forced]
        name = f"references, hard, row {distance:+d}"
        rows.append(_row(name, sources, moved, references, hard))
    found = system.translate(sources)
    own = reference_links(executable, train, sources, [each.text for each in found])
    for name, links in (("hard", hard), ("mutual", mutual), ("soft", soft)):
        rows.append(_row(f"translations, {name}", sources, found, own, links))
    print(table(["attention of", "links", "precision", "recall", "AER"], rows))


def _row(
    name: str,
    sources: Sequence[str],
    translations: Sequence[Translation],
    references: Sequence[Reference],
    links: Callable[[GivenWords], WeightedLinks],
) -> list[str]:
    agreed = agreement_of(sources, translations, references, links)
    shares = (agreed.precision, agreed.recall, agreed.error_rate)
    return [name, number(agreed.links, 0), *(percent(share) for share in shares)]


if __name__ == "__main__":
    run_program(main)
