"""`nmt corpus`: make, import, list and show corpora, and accept suggestions for them.

Only light modules are imported here. Each command imports the heavy ones itself.
"""

import json
import shlex
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typer.models import OptionInfo

from pipeline.commands.lazy import LazyCommand
from pipeline.commands.options import JsonOption, WorkspaceOption
from pipeline.corpora.shipped import FIXED, SHIPPED, FixedCorpus
from pipeline.errors import UserError
from pipeline.workspace import Workspace, is_remote
from text.languages import parse_language
from text.visible import visible, visible_json

if TYPE_CHECKING:
    from pipeline.corpora.information import CorpusInfo

ForceOption = Annotated[bool, typer.Option("--force", help="Replace the corpus if there is one.")]


_IN_OTHER_MODULES = (
    LazyCommand(
        "review",
        "pipeline.commands.review:review",
        "Show the pairs that the trained model doubts most.",
    ),
    LazyCommand(
        "distill",
        "pipeline.commands.synthetic:distill",
        "A corpus with a model's translations beside people's.",
    ),
    LazyCommand(
        "backtranslate",
        "pipeline.commands.synthetic:backtranslate",
        "A corpus with more text of its target language, translated back by a model.",
    ),
    LazyCommand(
        "reverse",
        "pipeline.commands.synthetic:reverse",
        "A corpus for the other direction: source and target change places.",
    ),
)


class _Group(TyperGroup):
    """The commands of this module, and those in others."""

    def __init__(self, *arguments: Any, **given: Any) -> None:
        super().__init__(*arguments, **given)
        for command in _IN_OTHER_MODULES:
            self.add_command(command)


app = typer.Typer(
    cls=_Group,
    help=f"Make a corpus: {', '.join(['debian', *FIXED])}, or import your own text.",
    no_args_is_help=True,
)


@app.command()
def debian(
    target: Annotated[
        str, typer.Option("--target", metavar="LANGUAGE", help="Such as de, fr or pt-BR.")
    ] = "de",
    with_: Annotated[
        str | None,
        typer.Option(
            "--with",
            metavar="KINDS",
            help="Also text in packages: dictionary,dialogue,manuals,interface or some of them. "
            "The corpus is then called general.",
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Debian's package descriptions and their translations, fetched by apt: the default corpus."""
    if with_ is None:
        _make("debian", workspace, force=force, as_json=as_json, target_language=target)
        return
    from pipeline.corpora.packages.making import check_domains

    domains = check_domains(with_)
    options = {"target_language": target, "domains": domains}
    _make("general", workspace, force=force, as_json=as_json, **options)


def _command(name: str, corpus: FixedCorpus) -> Callable[..., None]:
    """Returns a command to make a corpus of one pair of languages."""

    def make(
        source: Annotated[
            Path | None,
            typer.Option("--from", metavar=corpus.copy_metavar, help=corpus.copy_help),
        ] = None,
        workspace: WorkspaceOption = None,
        force: ForceOption = False,
        as_json: JsonOption = False,
    ) -> None:
        _make(name, workspace, force=force, as_json=as_json, source=source)

    return make


for _name, _corpus in FIXED.items():
    app.command(_name, help=f"{_corpus.description}.")(_command(_name, _corpus))


_Files = list[Path] | None


def _files(text: str, *names: str) -> OptionInfo:
    """Returns an option for one or more files."""
    return typer.Option(*names, metavar="FILE", help=f"{text}; repeatable.")


@app.command("import")
def import_text(
    name: Annotated[str, typer.Option("--name", help="The name of the new corpus.")],
    source: Annotated[_Files, _files("Source text, plain or compressed", "--source")] = None,
    target: Annotated[_Files, _files("Its translation, line by line", "--target")] = None,
    file: Annotated[
        _Files,
        _files(
            "Both sides: TSV, CSV, PO, XLIFF, TMX, ..., a ZIP archive or a folder",
            "--file",
            "--tsv",
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="SOURCE,TARGET,...",
            help="Columns of TSV or CSV with source, target and features, by number or name.",
        ),
    ] = None,
    feature: Annotated[
        list[str] | None,
        typer.Option(
            "--feature",
            metavar="NAME",
            help="A further column of --file, such as domain; in PO and the like, file or context; "
            "repeatable, in their order.",
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option("--encoding", metavar="NAME", help="Of text that is not in UTF-8."),
    ] = None,
    source_language: Annotated[str, typer.Option("--source-language", metavar="CODE")] = "en",
    target_language: Annotated[str, typer.Option("--target-language", metavar="CODE")] = "de",
    licence: Annotated[
        str, typer.Option("--licence", help="The terms of the text; they travel with it.")
    ] = "not stated",
    validation: Annotated[
        int | None,
        typer.Option("--validation", min=1, help="Pairs for validation (1,000, at most 5 %)."),
    ] = None,
    test: Annotated[
        int | None, typer.Option("--test", min=1, help="Pairs for the test (1,000, at most 5 %).")
    ] = None,
    validation_source: Annotated[
        _Files, _files("Your own validation set", "--validation-source")
    ] = None,
    validation_target: Annotated[_Files, _files("Its translation", "--validation-target")] = None,
    validation_file: Annotated[_Files, _files("Or both sides", "--validation-file")] = None,
    test_source: Annotated[_Files, _files("Your own test set", "--test-source")] = None,
    test_target: Annotated[_Files, _files("Its translation", "--test-target")] = None,
    test_file: Annotated[_Files, _files("Or both sides", "--test-file")] = None,
    workspace: WorkspaceOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Your own parallel text: aligned files, tables, translators' files, archives and folders."""
    from components.corpus_features import check_features
    from pipeline.corpora.catalogue import check_own_name, corpus_folder
    from pipeline.corpora.display import shown_progress
    from pipeline.corpora.folder import check_destination, write_corpus
    from pipeline.corpora.formats.text_file import Reading, check_encoding
    from pipeline.corpora.importing import Files, import_corpus
    from pipeline.corpora.information import Split

    check_own_name(name)
    reading = Reading(
        languages=(_language(source_language), _language(target_language)),
        columns=tuple(map(str.strip, columns.split(","))) if columns else (),
        features=check_features(feature or ()),
        encoding=check_encoding(encoding),
    )
    files: dict[Split, Files] = {
        "train": Files(source, target, file),
        "validation": Files(validation_source, validation_target, validation_file),
        "test": Files(test_source, test_target, test_file),
    }
    root = local_workspace(workspace)
    folder = corpus_folder(name, root)
    check_destination(folder, replace=force)
    with shown_progress() as progress:
        corpus = import_corpus(
            files,
            reading,
            name=name,
            licence=licence,
            sizes={"validation": validation, "test": test},
            progress=progress,
        )
        progress(f"Writing {folder}", 0, None)
        information = write_corpus(corpus, folder, replace=force)
    answer(information, folder, Workspace(str(root)), as_json)


@app.command()
def mix(
    name: Annotated[str, typer.Option("--name", help="The name of the new corpus.")],
    domain: Annotated[str, typer.Option("--domain", metavar="CORPUS", help="All its text.")],
    general: Annotated[
        str, typer.Option("--general", metavar="CORPUS", help="A sample of its training text.")
    ],
    share: Annotated[
        float, typer.Option("--share", help="Of general pairs in the training text.")
    ] = 0.2,
    seed: Annotated[int, typer.Option("--seed", help="Of the sample.")] = 1,
    workspace: WorkspaceOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """A domain's corpus with a share of general text, and the test sets of both."""
    from pipeline.corpora.catalogue import check_own_name, corpus_folder
    from pipeline.corpora.folder import check_destination, write_corpus
    from pipeline.corpora.mixing import mix_corpora

    check_own_name(name)
    root = local_workspace(workspace)
    place, folder = Workspace(str(root)), corpus_folder(name, root)
    check_destination(folder, replace=force)
    own, other = (Path(place.corpus(each)) for each in (domain, general))
    information = write_corpus(mix_corpora(name, own, other, share, seed), folder, replace=force)
    answer(information, folder, place, as_json)


@app.command("list")
def list_corpora(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the corpora of the workspace, and the corpora still to be made by `nmt corpus`."""
    from pipeline.corpora.catalogue import corpora_in

    found = corpora_in(local_workspace(workspace))
    if as_json:
        typer.echo(json.dumps([entry.model_dump(mode="json") for entry in found], indent=2))
        return
    for entry in found:
        pairs = ", ".join(f"{count:,} {split}" for split, count in entry.counts.items())
        languages = f"{entry.source_language} to {entry.target_language}"
        typer.echo(visible(f"{entry.name:<12} {languages}: {pairs}"))
    here = {entry.name for entry in found}
    for name, (command, description) in SHIPPED.items():
        if name not in here:
            typer.echo(f"{name:<12} not here yet, `nmt corpus {command}` makes it: {description}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The name of a corpus, such as debian.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify a corpus and show its contents."""
    from pipeline.corpora.folder import load_corpus

    place = Workspace(str(local_workspace(workspace)))
    folder = Path(place.corpus(name))
    answer(load_corpus(folder), folder, place, as_json, is_new=False)


@app.command()
def suggestions(
    name: Annotated[str, typer.Argument(help="The name of a corpus, such as debian.")],
    accept: Annotated[
        bool, typer.Option("--accept", help="Make them a span, which the next run trains on.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show or accept the better translations that `nmt web --suggestions` has collected."""
    from pipeline.config.made import configuration_name
    from pipeline.corpora.suggestions import accept_suggestions, read_suggestions
    from pipeline.next_command import next_command, whole_command

    place = Workspace(str(local_workspace(workspace)))
    folder = Path(place.corpus(name))
    if not accept:
        rows = read_suggestions(folder)
        if as_json:
            pairs = [{"source": source, "target": target} for source, target, *_ in rows]
            typer.echo(json.dumps(pairs, indent=2))
            return
        for source, target, *_ in rows:
            typer.echo(visible(f"{source}\n  {target}"))
        accepting = whole_command(f"corpus suggestions {shlex.quote(name)}", place)
        remedy = (
            f"next      {accepting} --accept" if rows else "`nmt web --suggestions` collects some"
        )
        typer.echo(f"pairs     {len(rows):,}\n{remedy}")
        return
    accepted = accept_suggestions(folder)
    if as_json:
        typer.echo(json.dumps(asdict(accepted), indent=2))
        return
    if accepted.span:
        typer.echo(f"span      {folder / accepted.span}\npairs     {accepted.pairs:,}")
    if accepted.known:
        typer.echo(f"left out  {accepted.known:,} that the corpus has")
    if accepted.span:
        typer.echo(f"next      {next_command('run', configuration_name(name), place)}")


def _make(
    name: str,
    workspace: str | None,
    *,
    force: bool,
    as_json: bool,
    **options: Any,
) -> None:
    from pipeline.corpora.catalogue import corpus_folder, make_corpus
    from pipeline.corpora.display import shown_progress

    root = local_workspace(workspace)
    with shown_progress() as progress:
        information = make_corpus(name, root, replace=force, progress=progress, **options)
    answer(information, corpus_folder(information.name, root), Workspace(str(root)), as_json)


def _language(code: str) -> str:
    """Returns a code in its usual spelling."""
    try:
        return parse_language(code).tag
    except ValueError as error:
        raise UserError(str(error)) from error


def local_workspace(option: str | None) -> Path:
    """Returns the folder of the workspace.

    Raises:
        UserError: it is remote.
    """
    root = Workspace.resolve(option).root
    if is_remote(root):
        raise UserError(
            f"A corpus is made on a local disk: give another --workspace than {root}, then copy "
            "its corpora folder there."
        )
    return Path(root)


def answer(
    information: "CorpusInfo",
    folder: Path,
    workspace: Workspace,
    as_json: bool,
    *,
    is_new: bool = True,
) -> None:
    """Shows a corpus; a new one without a shipped configuration gets one."""
    from pipeline.commands.made_lines import make_and_tell
    from pipeline.config.made import configuration_name
    from pipeline.config.settings import made_configs, shipped_configs
    from pipeline.corpora.display import print_summary
    from pipeline.corpora.folder import INFORMATION_FILE
    from pipeline.next_command import next_command, whole_command

    lines = {}
    if is_new and information.name not in shipped_configs():
        lines = make_and_tell(information, folder, workspace)
    if as_json:
        typer.echo(visible_json((folder / INFORMATION_FILE).read_text(encoding="utf-8")), nl=False)
        return
    name = configuration_name(information.name)
    if name in (*shipped_configs(), *made_configs(workspace.root)):
        lines["next"] = next_command("run", name, workspace)
    else:
        lines["next"] = whole_command(f"config make {shlex.quote(str(folder))}", workspace)
    print_summary(information, folder, lines)
