import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality.placeholders import count_answers, count_format_errors, read_messages
from pipeline.errors import UserError
from serving.contract.translation import Translation

CATALOGUE = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "Open %s now\\n"
msgstr "%s jetzt öffnen\\n"

msgid "Nothing here"
msgstr "Nichts hier"

msgid "Two lines %d\\nof text"
msgstr "Zwei"
"""
needs_gettext = pytest.mark.skipif(not shutil.which("msgfmt"), reason="gettext is not installed")


def answer(*texts: str) -> Translation:
    hypotheses = tuple(
        Translation(
            text=text,
            score=0.0,
            source_tokens=(),
            target_tokens=(),
            attention=np.zeros((0, 0), np.float32),
            truncated=False,
        )
        for text in texts
    )
    return Translation(**{**vars(hypotheses[0]), "n_best": hypotheses})


@needs_gettext
def test_messages_of_one_line_with_parts_are_read(tmp_path: Path) -> None:
    source, compiled = tmp_path / "de.po", tmp_path / "de.mo"
    source.write_text(CATALOGUE, encoding="utf-8")
    subprocess.run(["msgfmt", "-o", str(compiled), str(source)], check=True)
    assert read_messages([compiled]) == ["Open %s now"]
    with pytest.raises(UserError, match=r"de\.po is not a compiled catalogue"):
        read_messages([source])


def test_answers_are_counted() -> None:
    messages = ["Open %s", "Copy %s to %d", "See http://a.b/"]
    answers = [
        answer("%s öffnen"),
        answer("%d nach %s", "%s nach %d"),
        answer("Siehe http://a.b/ %s"),
    ]
    assert count_answers(messages, answers) == {
        "messages": 3,
        "parts": 4,
        "right": 1,
        "broken": 2,
        "broken, with a right hypothesis": 1,
    }


@needs_gettext
def test_msgfmt_judges_directives_by_its_own_rules() -> None:
    messages = ["%d files", "%s and %d", "100 %", '%zu of\t"%s"']
    right = ["%d Dateien", "%s und %d", "100 %", "%zu von »%s«"]
    assert count_format_errors(messages, right) == 0
    assert count_format_errors(messages, ["%s Dateien", "%s und", "100 %", right[3]]) == 2
