"""`nmt heatmap`: the attention of a translation, in the terminal, as a picture or as a page."""

import os
from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from pipeline.commands.answer_lines import model_errors, one_line, require_uncut
from pipeline.commands.chosen_model import ModelOptions, with_model_options
from pipeline.commands.line_files import write_whole
from pipeline.commands.options import DEFAULT_BATCH_SIZE
from pipeline.commands.text_streams import arguments, destination, require_writable
from pipeline.errors import UserError
from serving.contract.translation import Translation
from serving.heatmap.fonts import missing_fonts
from serving.heatmap.matrix import MOST_CELLS, Heatmap, make_heatmap
from serving.heatmap.page import draw_page
from serving.heatmap.picture import PictureFormat, draw_picture
from serving.heatmap.terminal import attention_table
from serving.segments.splitting import Languages

Draw = Callable[[Heatmap, str, Translation, Languages], bytes]
"""(heatmap, source, translation, languages of the model) -> the content of a file."""


@with_model_options
def heatmap(
    text: Annotated[str, typer.Argument(help="A text to translate.")],
    target: Annotated[
        str | None,
        typer.Option("--target", metavar="TEXT", help="Your own translation."),
    ] = None,
    output_file: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="A file: .png, .svg or .html."),
    ] = None,
    tokens: Annotated[
        bool, typer.Option("--tokens", help="Show subwords instead of words.")
    ] = False,
    *,
    options: ModelOptions,
) -> None:
    """Show the attention of a translation: source on top, target on the left.

    Without -o it is drawn in the terminal, in colour unless NO_COLOR is set.
    """
    text, *given = arguments([text] if target is None else [text, target])
    if not text.strip() or any(not each.strip() for each in given):
        raise UserError("The text is empty: give one with words.")
    draw = _drawing_for(output_file)
    chosen = options.choose()
    with model_errors(), chosen.open(DEFAULT_BATCH_SIZE) as model:
        [translation] = model.score([text], given) if given else model.translate([text])
    shown = make_heatmap(text, translation, tokens=tokens)
    if draw is None or output_file is None:
        _print(shown, translation)
    elif not shown.target:
        raise UserError("The translation is empty, so there is nothing to draw.")
    elif shown.weights.size > MOST_CELLS:
        rows, columns = shown.weights.shape
        raise UserError(
            f"The heatmap has {rows:,} rows of {columns:,} cells, and a file holds at most "
            f"{MOST_CELLS:,} cells: give a shorter text."
        )
    else:
        write_whole(output_file, draw(shown, text, translation, chosen.languages()))
    require_uncut([1] if translation.truncated else [])


def _drawing_for(output_file: str | None) -> Draw | None:
    """Chooses the drawing function by the file's ending; None for the terminal."""
    if output_file is None:
        return None
    ending = os.path.splitext(output_file)[1].lower()
    drawings: dict[str, Draw] = {
        ".png": partial(_picture, "png"),
        ".svg": partial(_picture, "svg"),
        ".html": _page,
    }
    if ending not in drawings:
        raise UserError(
            f"{output_file!r} ends with none of {', '.join(drawings)}: use one of these endings."
        )
    require_writable(output_file)
    return drawings[ending]


def _print(shown: Heatmap, translation: Translation) -> None:
    with destination(None) as output:
        output.write(f"{one_line(translation.text)}\n\n{attention_table(shown, output)}")


def _picture(
    file_format: PictureFormat,
    shown: Heatmap,
    source: str,
    translation: Translation,
    languages: Languages,
) -> bytes:
    title = f"Attention: {one_line(source)} -> {one_line(translation.text)}"
    if missing := missing_fonts(shown):
        typer.echo(
            f"nmt: no installed font has some of these letters, so they are boxes: {missing}. "
            "Install one, or write an .html file.",
            err=True,
        )
    return draw_picture(shown, file_format, title=title)


def _page(shown: Heatmap, source: str, translation: Translation, languages: Languages) -> bytes:
    source_language, target_language = languages
    page = draw_page(
        shown,
        source=source,
        translation=translation.text,
        source_language=source_language,
        target_language=target_language,
    )
    return page.encode("utf-8")
