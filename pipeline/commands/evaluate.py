"""`nmt evaluate`: scores a model or other translations on a test set, and compares two systems.

Scores, slices and tests are those of the gate (`pipeline.evaluation`).
"""

import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, BinaryIO, cast

import typer

from pipeline.commands.answer_lines import answers, model_errors, one_line, require_uncut
from pipeline.commands.chosen_model import (
    ChosenModel,
    ExportedModel,
    ModelOptions,
    with_model_options,
)
from pipeline.commands.evaluation_output import EvaluationOutput
from pipeline.commands.line_files import read_lines, written_whole
from pipeline.commands.line_progress import shown_lines
from pipeline.commands.options import (
    DEFAULT_BATCH_SIZE,
    BatchSizeOption,
    InputOption,
    JsonOption,
)
from pipeline.commands.text_streams import STANDARD_STREAM, Pair, require_writable
from pipeline.config.settings import PipelineConfig, load_config
from pipeline.corpora.formats.text_file import TextFile
from pipeline.corpora.information import Split
from pipeline.errors import UserError
from pipeline.evaluation.evaluation_set import EvaluationSet, set_of_split, set_of_texts
from pipeline.evaluation.scores import evaluate as evaluate_systems
from pipeline.evaluation.sentences import sentences_to_read
from pipeline.workspace import Workspace

_NOTHING_TO_DO = (
    "Nothing to evaluate: give a test set with --input and --reference, or a split of the "
    "configuration's corpus with --split test."
)


@dataclass(frozen=True)
class _System:
    """A model, or a file with the translations of any system."""

    name: str
    model: ChosenModel | None = None
    lines: Sequence[str] = ()
    """The translations in the file."""


@dataclass(frozen=True)
class _Against:
    """The values of the options for another system."""

    version: int | None
    model: str | None
    hypotheses: str | None

    def choose(self, options: ModelOptions) -> _System | None:
        """Finds the other system; None if there is none."""
        if self.hypotheses is not None:
            return _of_file(self.hypotheses)
        if self.model is not None:
            return _of_model(
                ModelOptions(
                    config=options.config,
                    overrides=options.overrides,
                    workspace=options.workspace,
                    model=self.model,
                )
            )
        if self.version is not None:
            return _of_model(replace(options, version=self.version))
        return None


@with_model_options
def evaluate(
    *,
    options: ModelOptions,
    input_file: InputOption = None,
    reference_files: Annotated[
        list[str] | None,
        typer.Option(
            "--reference",
            metavar="FILE",
            help="Human translations, line by line, of --input; repeatable, for several of each.",
        ),
    ] = None,
    split: Annotated[
        Split | None,
        typer.Option("--split", help="A split of the configuration's corpus instead."),
    ] = None,
    hypotheses_file: Annotated[
        str | None,
        typer.Option(
            "--hypotheses", metavar="FILE", help="Score translations in a file, of any system."
        ),
    ] = None,
    against_version: Annotated[
        int | None,
        typer.Option("--against", metavar="N", help="Compare with another version of the model."),
    ] = None,
    against_model: Annotated[
        str | None,
        typer.Option("--against-model", metavar="DIR", help="Compare with an exported model."),
    ] = None,
    against_hypotheses: Annotated[
        str | None,
        typer.Option(
            "--against-hypotheses", metavar="FILE", help="Compare with translations in a file."
        ),
    ] = None,
    whole_lines: Annotated[
        bool,
        typer.Option(
            "--whole-lines", help="Translate a line of several sentences at once, as the gate does."
        ),
    ] = False,
    output_file: Annotated[
        str | None,
        typer.Option("--output", metavar="FILE", help="Also write the model's translations."),
    ] = None,
    top: Annotated[
        int, typer.Option("--top", min=0, metavar="N", help="Number of sentences to list.")
    ] = 5,
    as_json: JsonOption = False,
    batch_size: BatchSizeOption = DEFAULT_BATCH_SIZE,
) -> None:
    """Score a model on a test set by BLEU, chrF, chrF++ and TER, over all and by slice.

    With --against, --against-model or --against-hypotheses, two systems are compared by paired
    bootstrap, and the sentences that changed most are listed.
    """
    compared = _Against(against_version, against_model, against_hypotheses)
    _check_set(input_file, reference_files, split)
    _check_systems(options, hypotheses_file, compared, output_file)
    own = _own_texts(input_file, reference_files) if reference_files else None
    system = _of_model(options) if hypotheses_file is None else _of_file(hypotheses_file)
    against = compared.choose(options)
    config = _configuration(options, system, against)
    texts = own or set_of_split(config, Workspace.resolve(options.workspace), split or "test")
    references = reference_files or [f"{split} split of {config.data.corpus}"]
    _check_lengths(references[0], texts, [each for each in (system, against) if each])

    translations, cut = _translations(system, texts, batch_size, split=not whole_lines)
    if output_file is not None:
        with written_whole(output_file) as file:
            file.writelines(f"{line}\n" for line in translations)
    others = None
    if against is not None:
        others, more_cut = _translations(against, texts, batch_size, split=not whole_lines)
        cut |= more_cut
    output = EvaluationOutput(
        references=", ".join(references),
        system=system.name,
        against=None if against is None else against.name,
        sentences=len(translations),
        settings=config.gate,
        evaluation=evaluate_systems(texts, translations, others, config.gate),
        to_read=sentences_to_read(texts, translations, others, top),
    )
    output.show_json() if as_json else output.show()
    require_uncut(sorted(cut))


def _check_set(
    input_file: str | None, reference_files: list[str] | None, split: str | None
) -> None:
    """Raises a `UserError` if the options name no test set, or two."""
    if split is None and not reference_files:
        raise UserError(_NOTHING_TO_DO)
    if split is not None and (reference_files or input_file is not None):
        raise UserError("Give a test set with --input and --reference, or --split, not both.")


def _check_systems(
    options: ModelOptions, hypotheses_file: str | None, against: _Against, output_file: str | None
) -> None:
    """Raises a `UserError` if the options for the systems do not fit together."""
    others = [against.version, against.model, against.hypotheses]
    if len(others) - others.count(None) > 1:
        raise UserError("Give only one of --against, --against-model and --against-hypotheses.")
    if output_file is not None:
        require_writable(output_file)
    if hypotheses_file is None:
        return
    of_model = {"version": options.version, "output": output_file}
    if against.version is None:
        of_model |= {"model": options.model, "server": options.server}
    for name, value in of_model.items():
        if value is not None:
            raise UserError(
                f"--{name} is for a model, and --hypotheses replaces it: give one of them. "
                "Compare translations with a version by --against."
            )


def _own_texts(input_file: str | None, reference_files: Sequence[str]) -> EvaluationSet:
    """Reads the user's test set."""
    sources = None if input_file is None else _read(input_file)
    references = {name: _read(name) for name in reference_files}
    first = reference_files[0]
    lengths = {name: len(lines) for name, lines in references.items()}
    if sources is not None:
        lengths[str(input_file)] = len(sources)
    _check_same_length(first, lengths)
    return set_of_texts(sources, [references[name] for name in reference_files])


def _read(path: str) -> list[str]:
    """Reads the lines of a file, plain or compressed, or of standard input."""
    file = TextFile("standard input", _standard_input, sys.maxsize)
    with (file if path == STANDARD_STREAM else TextFile.at(Path(path))).unpacked() as stream:
        return list(read_lines(stream))


def _standard_input() -> contextlib.AbstractContextManager[BinaryIO]:
    return contextlib.nullcontext(cast(BinaryIO, sys.stdin.buffer))


def _of_file(path: str) -> _System:
    return _System(path, lines=_read(path))


def _of_model(options: ModelOptions) -> _System:
    chosen = options.choose()
    return _System(str(chosen), model=chosen)


def _configuration(
    options: ModelOptions, system: _System, against: _System | None
) -> PipelineConfig:
    """Reads the configuration, with the languages of an exported model's card if there is one."""
    models = [each.model for each in (system, against) if each is not None]
    cards = [model.languages() for model in models if isinstance(model, ExportedModel)]
    languages = zip(("source", "target"), cards[0], strict=True) if cards else ()
    of_card = [f'data.{side}_language="{code}"' for side, code in languages if code]
    return load_config(options.config, [*of_card, *(options.overrides or ())], options.workspace)


def _check_lengths(name: str, texts: EvaluationSet, systems: Sequence[_System]) -> None:
    """Raises a `UserError` if texts are missing, or translations do not belong to them."""
    if not texts.references:
        raise UserError(f"{name} holds no lines, so there is nothing to evaluate.")
    if texts.sources is None and any(each.model for each in systems):
        raise UserError("A model needs texts to translate: give them with --input.")
    lengths = {each.name: len(each.lines) for each in systems if each.model is None}
    _check_same_length(name, {name: len(texts.references), **lengths})


def _check_same_length(first: str, lengths: dict[str, int]) -> None:
    for name, length in lengths.items():
        if length != lengths[first]:
            raise UserError(
                f"{name} and {first} differ in their numbers of lines ({length:,} and "
                f"{lengths[first]:,}): line n of one must belong to line n of the other."
            )


def _translations(
    system: _System, texts: EvaluationSet, batch_size: int, *, split: bool
) -> tuple[Sequence[str], set[int]]:
    """Returns the translations of a system, and the lines that were cut at the model's limit."""
    if system.model is None or texts.sources is None:
        return system.lines, set()
    pairs = (Pair(source, None) for source in texts.sources)
    found, cut = list[str](), set[int]()
    with (
        shown_lines(len(texts.sources)) as advance,
        model_errors(),
        system.model.open(batch_size) as model,
    ):
        answered = answers(model, pairs, batch_size, advance, split=split)
        for line, (_, translation) in enumerate(answered, start=1):
            found.append("" if translation is None else one_line(translation.text))
            if translation is not None and translation.truncated:
                cut.add(line)
    return found, cut
