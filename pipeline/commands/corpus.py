"""`nmt corpus`: make, import, list and show corpora.

Only light modules are imported here. Each command imports the heavy ones itself.
"""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.options import JsonOption, WorkspaceOption
from pipeline.corpora.shipped import FIXED, SHIPPED, FixedCorpus
from pipeline.errors import UserError
from pipeline.workspace import Workspace, is_remote
from text.languages import parse_language
from text.visible import visible, visible_json

if TYPE_CHECKING:
    from pipeline.corpora.information import CorpusInfo

ForceOption = Annotated[bool, typer.Option("--force", help="Replace the corpus if there is one.")]

app = typer.Typer(
    help=f"Make a corpus: {', '.join(SHIPPED)}, or import your own text.",
    no_args_is_help=True,
)


@app.command()
def debian(
    target: Annotated[
        str, typer.Option("--target", metavar="LANGUAGE", help="Such as de, fr or pt-BR.")
    ] = "de",
    workspace: WorkspaceOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Debian's package descriptions and their translations, fetched by apt: the default corpus."""
    _make("debian", workspace, force=force, as_json=as_json, target_language=target)


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


@app.command("import")
def import_text(
    name: Annotated[str, typer.Option("--name", help="The name of the new corpus.")],
    source: Annotated[
        Path | None, typer.Option("--source", metavar="FILE", help="Source text, plain or .gz.")
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--target", metavar="FILE", help="Its translation, line by line.")
    ] = None,
    tsv: Annotated[
        Path | None,
        typer.Option("--tsv", metavar="FILE", help="Instead: one file of source TAB target lines."),
    ] = None,
    feature: Annotated[
        list[str] | None,
        typer.Option(
            "--feature",
            metavar="NAME",
            help="A further column of the --tsv file, such as domain; repeatable, in their order.",
        ),
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
    workspace: WorkspaceOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Your own parallel text: two aligned files, or a TSV file."""
    from components.corpus_features import check_features
    from pipeline.corpora import parallel_files
    from pipeline.corpora.catalogue import check_own_name, corpus_folder
    from pipeline.corpora.display import shown_progress
    from pipeline.corpora.folder import check_destination, write_corpus

    check_own_name(name)
    files = [path for path in (source, target, tsv) if path is not None]
    if (source is None) != (target is None) or (source is None) == (tsv is None):
        raise UserError("Give either --source and --target, or --tsv alone.")
    if feature and tsv is None:
        raise UserError("--feature names a column of a --tsv file; give the text as such a file.")
    languages = (_language(source_language), _language(target_language))
    features = check_features(feature or ())
    root = _local_workspace(workspace)
    folder = corpus_folder(name, root)
    check_destination(folder, replace=force)
    with shown_progress() as progress:
        progress(f"Reading {' and '.join(path.name for path in files)}", 0, None)
        if source is not None and target is not None:
            read = parallel_files.read_aligned(source, target)
        else:
            read = parallel_files.read_tsv(files[0], features)
        corpus = parallel_files.corpus_of_pairs(
            read,
            name=name,
            languages=languages,
            licence=licence,
            origin=" and ".join(path.name for path in files),
            validation=validation,
            test=test,
            features=features,
        )
        progress(f"Writing {folder}", 0, None)
        information = write_corpus(corpus, folder, replace=force)
    _answer(information, folder, Workspace(str(root)), as_json)


@app.command("list")
def list_corpora(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the corpora of the workspace, and the corpora still to be made by `nmt corpus`."""
    from pipeline.corpora.catalogue import corpora_in

    found = corpora_in(_local_workspace(workspace))
    if as_json:
        typer.echo(json.dumps([entry.model_dump(mode="json") for entry in found], indent=2))
        return
    for entry in found:
        pairs = ", ".join(f"{count:,} {split}" for split, count in entry.counts.items())
        languages = f"{entry.source_language} to {entry.target_language}"
        typer.echo(visible(f"{entry.name:<12} {languages}: {pairs}"))
    here = {entry.name for entry in found}
    for name, description in SHIPPED.items():
        if name not in here:
            typer.echo(f"{name:<12} not here yet, `nmt corpus {name}` makes it: {description}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The name of a corpus, such as debian.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify a corpus and show its contents."""
    from pipeline.corpora.folder import load_corpus

    place = Workspace(str(_local_workspace(workspace)))
    folder = Path(place.corpus(name))
    _answer(load_corpus(folder), folder, place, as_json, is_new=False)


def _make(
    name: str,
    workspace: str | None,
    *,
    force: bool,
    as_json: bool,
    target_language: str | None = None,
    source: Path | None = None,
) -> None:
    from pipeline.corpora.catalogue import corpus_folder, make_corpus
    from pipeline.corpora.display import shown_progress

    root = _local_workspace(workspace)
    with shown_progress() as progress:
        information = make_corpus(
            name,
            root,
            target_language=target_language,
            source=source,
            replace=force,
            progress=progress,
        )
    _answer(information, corpus_folder(information.name, root), Workspace(str(root)), as_json)


def _language(code: str) -> str:
    """Returns a code in its usual spelling."""
    try:
        return parse_language(code).tag
    except ValueError as error:
        raise UserError(str(error)) from error


def _local_workspace(option: str | None) -> Path:
    root = Workspace.resolve(option).root
    if is_remote(root):
        raise UserError(
            f"A corpus is made on a local disk: give another --workspace than {root}, then copy "
            "its corpora folder there."
        )
    return Path(root)


def _answer(
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
