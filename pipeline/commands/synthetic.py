"""`nmt corpus distill`, `backtranslate` and `reverse`: corpora with text that a model made."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.answer_lines import BATCHES_PER_CHUNK, model_errors
from pipeline.commands.bulk import translate_chunks
from pipeline.commands.chosen_model import ChosenModel, ModelOptions, with_model_options
from pipeline.commands.corpus import ForceOption, answer, local_workspace
from pipeline.commands.line_files import in_chunks
from pipeline.commands.options import (
    DEFAULT_BATCH_SIZE,
    BatchSizeOption,
    JsonOption,
    WorkersOption,
    WorkspaceOption,
)
from pipeline.config.settings import load_config
from pipeline.corpora.catalogue import check_own_name, corpus_folder
from pipeline.corpora.display import shown_progress
from pipeline.corpora.folder import CorpusText, check_destination, read_information, write_corpus
from pipeline.corpora.formats.text_file import Reading, TextFile
from pipeline.corpora.progress import Progress
from pipeline.corpora.synthetic import Translate, back_translated, distilled, turned_round
from pipeline.errors import UserError
from pipeline.workspace import Workspace
from text.languages import usual_tag

NameOption = Annotated[str, typer.Option("--name", help="The name of the new corpus.")]
CorpusOption = Annotated[
    str, typer.Option("--corpus", metavar="NAME", help="The corpus to begin with.")
]


@with_model_options
def distill(
    name: NameOption,
    *,
    options: ModelOptions,
    corpus: Annotated[
        str | None,
        typer.Option("--corpus", metavar="NAME", help="Else the corpus of the configuration."),
    ] = None,
    batch_size: BatchSizeOption = DEFAULT_BATCH_SIZE,
    workers: WorkersOption = 1,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add the translation by a model, the teacher, of each training source to a corpus.

    A model trained on both learns from the teacher, which may be larger, or an ensemble.
    """
    config = load_config(options.config, options.overrides or (), options.workspace)
    folder = _folder(corpus or config.data.corpus, options.workspace)
    languages = _languages(folder)
    teacher = _chosen(options, languages)

    def make(progress: Progress) -> CorpusText:
        translate = _translator(teacher, batch_size, workers)
        return distilled(name, folder, translate, _described(teacher), progress)

    _make(name, make, options.workspace, force, as_json)


@with_model_options
def backtranslate(
    name: NameOption,
    corpus: CorpusOption,
    text: Annotated[
        list[Path],
        typer.Option(
            "--text",
            metavar="FILE",
            help="Text of the target language, a sentence a line, plain or compressed; repeatable.",
        ),
    ],
    *,
    options: ModelOptions,
    batch_size: BatchSizeOption = DEFAULT_BATCH_SIZE,
    workers: WorkersOption = 1,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add text of the target language to a corpus, translated back by a model.

    The model has the other direction: train it on the corpus that `nmt corpus reverse` makes.
    """
    folder = _folder(corpus, options.workspace)
    source, target = _languages(folder)
    model = _chosen(options, (target, source))
    files = [TextFile.at(path) for path in text]

    def make(progress: Progress) -> CorpusText:
        sentences = (line for file in files for line in file.lines(Reading()))
        translate = _translator(model, batch_size, workers)
        return back_translated(name, folder, sentences, translate, _described(model), progress)

    _make(name, make, options.workspace, force, as_json)


def reverse(
    name: NameOption,
    corpus: CorpusOption,
    workspace: WorkspaceOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Exchange source and target of a corpus, to train a model of the other direction."""
    folder = _folder(corpus, workspace)
    _make(name, lambda progress: turned_round(name, folder), workspace, force, as_json)


def _make(
    name: str,
    make: Callable[[Progress], CorpusText],
    workspace: str | None,
    force: bool,
    as_json: bool,
) -> None:
    check_own_name(name)
    root = local_workspace(workspace)
    folder = corpus_folder(name, root)
    check_destination(folder, replace=force)
    with model_errors(), shown_progress() as progress:
        information = write_corpus(make(progress), folder, replace=force)
    answer(information, folder, Workspace(str(root)), as_json)


def _folder(corpus: str, workspace: str | None) -> Path:
    return Path(Workspace(str(local_workspace(workspace))).corpus(corpus))


def _languages(folder: Path) -> tuple[str, str]:
    information = read_information(folder)
    return information.source_language, information.target_language


def _chosen(options: ModelOptions, wanted: tuple[str, str]) -> ChosenModel:
    """Finds the model.

    Raises:
        UserError: it does not exist, or its card names other languages than wanted.
    """
    chosen = options.choose()
    found = [language and usual_tag(language) for language in chosen.languages()]
    if any(found) and found != [usual_tag(language) for language in wanted]:
        raise UserError(
            f"{chosen} translates {' to '.join(map(str, found))}, not {' to '.join(wanted)}: "
            "choose another with --config or --model."
        )
    return chosen


def _described(chosen: ChosenModel) -> str:
    """Returns name and version of an exported model; the rest of its path is this machine's."""
    return "/".join(Path(str(chosen)).parts[-2:])


def _translator(chosen: ChosenModel, batch_size: int, workers: int) -> Translate:
    def translate(texts: Iterable[str]) -> Iterator[str]:
        chunks = in_chunks(texts, batch_size * BATCHES_PER_CHUNK)
        for translations in translate_chunks(chosen, chunks, batch_size, workers):
            yield from ("" if each.truncated else each.text for each in translations)

    return translate
