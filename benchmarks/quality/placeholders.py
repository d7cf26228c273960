"""Measures whether placeholders, tags, addresses and options come through a translation.

    python -m benchmarks.quality.placeholders --config debian /usr/share/locale/de/LC_MESSAGES/*.mo

The messages of programs are chosen by chance among those of one line that hold such a part. If
gettext's `msgfmt` is installed, it checks the directives of printf by its own rules, too. The last
line is a JSON object of all numbers.
"""

import gettext
import json
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.common.program import ExportOption, run_program
from benchmarks.common.tables import number, table
from pipeline.commands.exported_model import find_model
from pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, OverridesOption, WorkspaceOption
from pipeline.errors import UserError
from serving.contract.translation import Translation
from serving.local.model import LocalModel
from text.protected import changed_parts, protected_parts

_BATCH_SIZE = 32
_LEAST_WORDS = 2
_MOST_WORDS = 40
_FORMAT_ERROR = re.compile(r"^\S+?:\d+: .*('msgstr'|format specifications)", re.MULTILINE)


def read_messages(paths: Sequence[Path]) -> list[str]:
    """Reads the English messages of one line with protected parts from compiled catalogues.

    A catalogue that does not declare its encoding is left out.

    Raises:
      UserError: a file is no catalogue.
    """
    messages: set[str] = set()
    for path in paths:
        try:
            with path.open("rb") as file:
                catalogue = vars(gettext.GNUTranslations(file))["_catalog"]
        except UnicodeDecodeError:
            continue
        except OSError as error:
            raise UserError(f"{path} is not a compiled catalogue of gettext: {error}.") from error
        messages.update(key.strip() for key in catalogue if isinstance(key, str))
    return sorted(
        message
        for message in messages
        if len(message.splitlines()) == 1
        and _LEAST_WORDS <= len(message.split()) <= _MOST_WORDS
        and protected_parts(message)
    )


def count_answers(messages: Sequence[str], answers: Sequence[Translation]) -> dict[str, int]:
    """Counts right and broken answers.

    Args:
      messages: the sources.
      answers: their translations, with the hypotheses of the beam.
    """
    changes = [
        changed_parts(message, answer.text)
        for message, answer in zip(messages, answers, strict=True)
    ]
    broken = [index for index, each in enumerate(changes) if any(each)]
    in_beam = [
        index
        for index in broken
        if any(not any(changed_parts(messages[index], each.text)) for each in answers[index].n_best)
    ]
    return {
        "messages": len(messages),
        "parts": sum(len(protected_parts(message)) for message in messages),
        "right": len(messages) - len(broken),
        "broken": len(broken),
        "broken, with a right hypothesis": len(in_beam),
    }


def count_format_errors(messages: Sequence[str], translations: Sequence[str]) -> int:
    """Counts the translations that `msgfmt --check-format` refuses."""
    lines = ['msgid ""', 'msgstr "Content-Type: text/plain; charset=UTF-8\\n"', ""]
    for message, translation in zip(messages, translations, strict=True):
        if "%" in message:
            quoted = (json.dumps(each, ensure_ascii=False) for each in (message, translation))
            lines += [
                "#, c-format",
                *map(" ".join, zip(("msgid", "msgstr"), quoted, strict=True)),
                "",
            ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "messages.po")
        path.write_text("\n".join(lines), encoding="utf-8")
        done = subprocess.run(
            ["msgfmt", "--check-format", "--output-file=/dev/null", str(path)],
            capture_output=True,
            text=True,
        )
    return len(_FORMAT_ERROR.findall(done.stderr))


def main(
    catalogues: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Catalogues (.mo).")],
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    model: ExportOption = None,
    count: Annotated[int, typer.Option(min=1, metavar="N", help="Messages to translate.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the choice.")] = 1,
    show: Annotated[bool, typer.Option("--show", help="Print the broken answers.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="50 messages only.")] = False,
) -> None:
    """Measure whether placeholders come through a translation."""
    messages = read_messages(catalogues)
    count = min(50 if quick else count, len(messages))
    messages = random.Random(seed).sample(messages, count)
    local = LocalModel(find_model(config, overrides, workspace, model, None), _BATCH_SIZE)
    answers = local.translate(messages, n_best=True)
    found = count_answers(messages, answers)
    if shutil.which("msgfmt"):
        found["refused by msgfmt"] = count_format_errors(messages, [each.text for each in answers])
    if show:
        for message, answer in zip(messages, answers, strict=True):
            changes = changed_parts(message, answer.text)
            if any(changes):
                print(f"{message}\n{answer.text}\n{changes}\n")
    print(table(["answers", "number"], [[name, number(each, 0)] for name, each in found.items()]))
    print(json.dumps({"seed": seed, **found}))


if __name__ == "__main__":
    run_program(main)
