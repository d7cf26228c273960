"""Adds pairs to a corpus of which a model made one side, and turns corpora round.

Distillation adds each training source once more, with a teacher's translation (Kim and Rush, 2016,
section 3.2): simpler for another model to learn than people's, who translate the same in many ways.
Back-translation adds text of the target language, with a model's translation of it as its source
(Sennrich et al., 2016). Each such source begins with a tag, so the model can tell it from what
people wrote (Caswell et al., 2019). The model for it is trained on the corpus turned round.

Pairs of people, validation and test stay as they are.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pipeline.corpora.folder import CorpusText, load_corpus, read_rows
from pipeline.corpora.information import SPLITS, CorpusInfo, Split
from pipeline.corpora.progress import Progress
from pipeline.corpora.rows import PackedRows
from pipeline.corpora.spans import has_spans
from pipeline.corpora.text import one_line
from pipeline.errors import UserError
from text.comparison import comparison_key, text_hash

FEATURE = "origin"
"""Says who made a pair, so `data.weights` can tell them apart."""
HUMAN, DISTILLED, BACK_TRANSLATED = "human", "distilled", "back-translated"
TAG = "⟪bt⟫"
"""Begins the source of a back-translation. Its characters are not markup, and rare in text."""
UNUSABLE = "empty or cut translation"

Translate = Callable[[Iterable[str]], Iterator[str]]
"""Returns the translations of texts in their order; empty for one that cannot be used."""


def turned_round(name: str, folder: Path) -> CorpusText:
    """Exchanges source and target of all splits.

    Args:
        name: the name of the new corpus.
        folder: the folder of the corpus.

    Raises:
        UserError: the corpus is missing, damaged or has spans.
    """
    corpus = _load(folder)

    def lines(split: Split) -> Iterator[bytes]:
        for line in read_rows(folder, split).lines:
            source, target, *features = line.split(b"\t")
            yield b"\t".join([target, source, *features])

    return CorpusText(
        name=name,
        source_language=corpus.target_language,
        target_language=corpus.source_language,
        licence=corpus.licence,
        origin=f"{corpus.name} turned round ({corpus.origin})",
        splits={split: PackedRows(lines(split)) for split in SPLITS},
        features=corpus.features,
    )


def distilled(
    name: str, folder: Path, translate: Translate, teacher: str, progress: Progress
) -> CorpusText:
    """Adds the teacher's translation of each training source.

    Args:
        name: the name of the new corpus.
        folder: the folder of the corpus.
        translate: the teacher.
        teacher: what it is, for the origin of the corpus.
        progress: called for each pair.

    Raises:
        UserError: the corpus is missing, damaged or has spans, or no translation can be used.
    """
    corpus = _load(folder)
    people = read_rows(folder, "train")

    def made() -> Iterator[tuple[str, ...]]:
        translations = translate(source for source, *_ in people)
        for (source, _, *features), translation in zip(people, translations, strict=True):
            yield (source, translation, *features)

    rows = _counted(made(), len(people), "Translating sources", progress)
    return _with_made(name, corpus, folder, rows, DISTILLED, f"translations by {teacher}")


def back_translated(
    name: str,
    folder: Path,
    sentences: Iterable[str],
    translate: Translate,
    model: str,
    progress: Progress,
) -> CorpusText:
    """Adds text of the target language, with back-translations as its sources.

    Sentences that the corpus has already, in any split and except for case, digits and punctuation,
    are left out and counted.

    Args:
        name: the name of the new corpus.
        folder: the folder of the corpus.
        sentences: text of the target language.
        translate: the model of the other direction.
        model: what it is, for the origin of the corpus.
        progress: called for each sentence.

    Raises:
        UserError: the corpus is missing, damaged or has spans, or no sentence is left.
    """
    corpus = _load(folder)
    new, dropped = _not_in(folder, sentences)
    values = [BACK_TRANSLATED] * len(corpus.features)

    def made() -> Iterator[tuple[str, ...]]:
        for target, source in zip(new, translate(iter(new)), strict=True):
            yield (source and f"{TAG} {source}", target, *values)

    rows = _counted(made(), len(new), "Translating back", progress)
    origin = f"back-translations by {model}"
    return _with_made(name, corpus, folder, rows, BACK_TRANSLATED, origin, dropped)


def _load(folder: Path) -> CorpusInfo:
    corpus = load_corpus(folder)
    if has_spans(folder):
        raise UserError(
            f"{folder} has spans, which would be left out: make one corpus of all its text."
        )
    return corpus


def _not_in(folder: Path, sentences: Iterable[str]) -> tuple[list[str], Counter[str]]:
    """Returns the sentences that no split has as a target, and counts the others by reason."""
    seen = {
        text_hash(comparison_key(target)): f"found in {split}"
        for split in SPLITS
        for _, target, *_ in read_rows(folder, split)
    }
    new, dropped = list[str](), Counter[str]()
    for sentence in map(one_line, sentences):
        if not sentence:
            continue
        key = text_hash(comparison_key(sentence))
        if key in seen:
            dropped[seen[key]] += 1
        else:
            new.append(sentence)
            seen[key] = "duplicate"
    return new, dropped


def _counted(
    rows: Iterator[tuple[str, ...]], total: int, step: str, progress: Progress
) -> Iterator[tuple[str, ...]]:
    for done, row in enumerate(rows):
        progress(step, done, total)
        yield row


def _with_made(
    name: str,
    corpus: CorpusInfo,
    folder: Path,
    made: Iterable[tuple[str, ...]],
    maker: str,
    origin: str,
    dropped: Counter[str] | None = None,
) -> CorpusText:
    """Returns the corpus with further training rows, and with a column of who made each row."""
    dropped = dropped or Counter()
    features = corpus.features
    place = features.index(FEATURE) if FEATURE in features else len(features)

    splits: dict[Split, PackedRows] = {}
    for split in SPLITS:
        rows = read_rows(folder, split)
        if place == len(features):
            rows = PackedRows(line + f"\t{HUMAN}".encode() for line in rows.lines)
        splits[split] = rows
    count = 0
    for row in made:
        source, target, *values = map(one_line, row)
        if not source or not target:
            dropped[UNUSABLE] += 1
            continue
        values[place : place + 1] = [maker]
        splits["train"].append((source, target, *values))
        count += 1
    if not count:
        reasons = ", ".join(dropped) or "there is none"
        raise UserError(f"No text is left to add to {corpus.name}: {reasons}.")
    return CorpusText(
        name=name,
        source_language=corpus.source_language,
        target_language=corpus.target_language,
        licence=corpus.licence,
        origin=f"{corpus.name} ({corpus.origin}) with {count:,} {origin}",
        splits=splits,
        dropped=dropped,
        features=features if FEATURE in features else (*features, FEATURE),
    )
