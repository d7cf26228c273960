"""Translates many texts with a chosen model, in this process or in several."""

from collections.abc import Generator, Iterable, Sequence

from pipeline.commands.chosen_model import ChosenModel, ExportedModel
from serving.contract.translation import Translation
from serving.local.parallel_translation import translate_in_parallel
from text.glossary import Glossary

Chunks = Iterable[Sequence[str]]
Translated = Generator[list[Translation], None, None]
"""The translations of each chunk, in the order of the chunks."""


def translate_chunks(
    chosen: ChosenModel,
    chunks: Chunks,
    batch_size: int,
    workers: int = 1,
    *,
    n_best: bool = False,
    glossary: Glossary | None = None,
) -> Translated:
    """Translates lists of texts.

    Args:
        chosen: the model, not opened yet.
        chunks: any number of lists, read as they are needed.
        batch_size: number of texts in one call of the model.
        workers: number of processes, each with a copy of an exported model.
        n_best: whether to return all hypotheses of the beam.
        glossary: terms that the translations must have.

    Yields:
        The translations of each list, in the order of the lists.
    """
    if isinstance(chosen, ExportedModel) and workers > 1:
        yield from translate_in_parallel(
            chosen.folder,
            chunks,
            workers=workers,
            batch_size=batch_size,
            n_best=n_best,
            glossary=glossary,
        )
        return
    with chosen.open(batch_size) as model:
        for chunk in chunks:
            yield model.translate(chunk, n_best=n_best, glossary=glossary)
