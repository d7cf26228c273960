"""Measures what a glossary does: whether its terms stand in the translations, and BLEU.

    python -m benchmarks.quality.glossary --config multi30k

The glossary is learned from training pairs: the translations of frequent nouns, by the alignments
of the model. German writes nouns with capitals, so a target word with a capital counts as a noun.
`--rank 2` takes the second most frequent translation of each, which the model rarely chooses.

Three ways are compared: no glossary; its terms written where the attention was
(`serving.attention.terms`); and a placeholder in the source for each term, which the term
replaces in the translation. Each is measured twice: with all terms, and with those that the
reference has (Dinu et al., 2019, section 4). The last line is a JSON object of all numbers.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import typer

from benchmarks.common.program import ExportOption, run_program
from benchmarks.common.protocols import cased_bleu
from benchmarks.common.tables import number, percent, table
from benchmarks.common.task import ParallelText, prepare_task
from pipeline.commands.exported_model import find_model
from pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, OverridesOption, WorkspaceOption
from serving.attention.alignment import align_words
from serving.attention.terms import write_terms
from serving.attention.words import attention_of_words
from serving.contract.translation import ScoredTranslation, Translation
from serving.local.model import LocalModel
from text.characters import compose
from text.glossary import Glossary, count_term

_BATCH_SIZE = 32
_LEAST_COUNT = 3
_LEAST_SHARE = 0.05
"""Of the alignments of a word, for one of its translations."""
_STEM = 4
"""Two translations with the same first letters are forms or compounds of one."""


class Accuracy(NamedTuple):
    """How many terms of the sources stand in the translations."""

    needed: int
    exact: int
    """As whole words."""
    contained: int
    """Also in a form or a compound, such as `Hunde` for `Hund`."""


def learn_terms(
    sources: Sequence[str], scored: Sequence[ScoredTranslation], terms: int, rank: int
) -> list[tuple[str, str]]:
    """Returns the most frequent nouns of pairs, with their translation of this rank.

    Args:
      sources: the source sentences.
      scored: their given translations, with the attention.
      terms: how many to return at most.
      rank: 1 for the most frequent translation of each, 2 for the next one.
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for source, translation in zip(sources, scored, strict=True):
        words = attention_of_words(source, translation, split_punctuation=True)
        for column, row in align_words(words, mutual=True):
            if row > 0:  # the first word has a capital in any case
                counts[words.source_words[column].lower()][words.target_words[row]] += 1
    nouns = {
        source: [
            (target, count)
            for target, count in targets.most_common()
            if _is_noun(target) and count >= max(_LEAST_COUNT, _LEAST_SHARE * targets.total())
        ]
        for source, targets in counts.items()
        if source.isalpha()
        and sum(count for target, count in targets.items() if _is_noun(target))
        > targets.total() / 2
    }
    found = []
    for source in sorted(nouns, key=lambda source: (-counts[source].total(), source)):
        lemmas = {target[:_STEM]: target for target, _ in reversed(nouns[source])}
        ranked = [target for target, _ in nouns[source] if lemmas[target[:_STEM]] == target]
        if len(ranked) >= rank:
            found.append((source, ranked[rank - 1]))
    return found[:terms]


def _is_noun(word: str) -> bool:
    return word[:1].isupper() and word.isalpha()


def measure(
    sources: Sequence[str], texts: Sequence[str], glossaries: Sequence[Glossary]
) -> Accuracy:
    """Counts the terms of sources in translations; each sentence has its glossary."""
    needed = exact = contained = 0
    for source, text, glossary in zip(sources, texts, glossaries, strict=True):
        folded = text.casefold()
        for term in glossary.find(compose(source)):
            target = term.target.casefold()
            needed += 1
            exact += bool(re.search(rf"(?<!\w){re.escape(target)}(?!\w)", folded))
            contained += count_term(term.target, text) > 0
    return Accuracy(needed, exact, contained)


def with_placeholders(source: str, glossary: Glossary) -> tuple[str, list[tuple[str, str]]]:
    """Returns a source with a placeholder for each term, and what each one stands for."""
    source, found = compose(source), []
    terms = glossary.find(source)
    for index, term in reversed(list(enumerate(terms))):
        placeholder = f"{{{index}}}"
        source = source[: term.start] + placeholder + source[term.end :]
        found.append((placeholder, term.target))
    return source, found


def _of_reference(terms: Sequence[tuple[str, str]], source: str, reference: str) -> Glossary:
    return Glossary([term for term in terms if re.search(rf"\b{re.escape(term[1])}\b", reference)])


def _by_placeholders(
    model: LocalModel, sources: Sequence[str], glossaries: Sequence[Glossary]
) -> list[str]:
    masked = [
        with_placeholders(source, glossary)
        for source, glossary in zip(sources, glossaries, strict=True)
    ]
    texts = [each.text for each in model.translate([source for source, _ in masked], split=False)]
    for index, (_, found) in enumerate(masked):
        for placeholder, target in found:
            texts[index] = texts[index].replace(placeholder, target)
    return texts


def _compare(
    model: LocalModel,
    test: ParallelText,
    plain: Sequence[Translation],
    glossaries: Sequence[Glossary],
) -> dict[str, dict[str, float]]:
    rows = list(zip(test.sources, plain, glossaries, strict=True))
    systems = {
        "no glossary": [each.text for each in plain],
        "by the attention": [write_terms(*row).text for row in rows],
        "by placeholders": _by_placeholders(model, test.sources, glossaries),
    }
    found = {}
    for name, texts in systems.items():
        accuracy = measure(test.sources, texts, glossaries)
        bleu = cased_bleu(texts, test.targets, test.tokeniser).value
        found[name] = {**accuracy._asdict(), "bleu": bleu}
    return found


def main(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    model: ExportOption = None,
    terms: Annotated[int, typer.Option(min=1, metavar="N", help="Terms of the glossary.")] = 100,
    rank: Annotated[int, typer.Option(min=1, help="1 for the usual translation, 2, ...")] = 1,
    pairs: Annotated[int, typer.Option(min=1, help="Training pairs to learn from.")] = 5000,
    quick: Annotated[bool, typer.Option("--quick", help="200 sentences, 1000 pairs.")] = False,
) -> None:
    """Measure term accuracy and BLEU with and without a glossary, on the validation split."""
    task = prepare_task(config, overrides or (), workspace)
    local = LocalModel(find_model(config, overrides, workspace, model, None), _BATCH_SIZE)
    train, test = task.read("train"), task.read("validation")
    pairs = min(pairs, 1000) if quick else pairs
    if quick:
        test = ParallelText(test.sources[:200], test.targets[:200], test.tokeniser)
    scored = local.score(train.sources[:pairs], train.targets[:pairs])
    learned = learn_terms(train.sources[:pairs], scored, terms, rank)
    plain = local.translate(test.sources, split=False)
    everywhere = [Glossary(learned)] * len(test.sources)
    of_reference = [
        _of_reference(learned, *pair) for pair in zip(test.sources, test.targets, strict=True)
    ]
    found = {
        "all terms": _compare(local, test, plain, everywhere),
        "terms of the reference": _compare(local, test, plain, of_reference),
    }
    print(
        table(
            ["glossary", "way", "terms in the sources", "as they are", "in any form", "BLEU"],
            [
                [
                    kind,
                    way,
                    number(each["needed"], 0),
                    percent(each["exact"] / max(1, each["needed"])),
                    percent(each["contained"] / max(1, each["needed"])),
                    number(each["bleu"], 2),
                ]
                for kind, ways in found.items()
                for way, each in ways.items()
            ],
        )
    )
    print(json.dumps({"rank": rank, "terms": learned, **found}, ensure_ascii=False))


if __name__ == "__main__":
    run_program(main)
