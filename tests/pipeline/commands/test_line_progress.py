import io

import pytest
from rich.console import Console

from pipeline.commands import line_progress
from pipeline.commands.line_progress import count_lines, shown_lines


@pytest.fixture
def terminal(monkeypatch) -> io.StringIO:
    """What a terminal on standard error shows."""
    screen = io.StringIO()
    monkeypatch.setattr(
        line_progress, "Console", lambda **_: Console(file=screen, force_terminal=True, width=80)
    )
    return screen


@pytest.mark.parametrize(
    ("content", "lines"), [(b"", 0), (b"a", 1), (b"a\n", 1), (b"a\n\nb", 3), (b"\n" * 9, 9)]
)
def test_lines_are_counted_as_they_are_read(tmp_path, content, lines):
    (tmp_path / "file").write_bytes(content)
    assert count_lines(str(tmp_path / "file")) == lines


def test_what_can_be_read_only_once_is_not_counted():
    assert count_lines("/dev/null") is None


def test_a_terminal_shows_how_many_lines_of_all_are_done(terminal, tmp_path):
    (tmp_path / "file").write_bytes(b"line\n" * 7)
    with shown_lines(str(tmp_path / "file")) as advance:
        advance(3)
        advance(2)
    assert "5/7" in terminal.getvalue()


def test_lines_of_an_unknown_number_are_counted_without_an_end(terminal):
    with shown_lines(None) as advance:
        advance(5)
    assert "5/?" in terminal.getvalue()


def test_nothing_is_shown_where_it_is_hidden(terminal):
    with shown_lines(None, hidden=True) as advance:
        advance(5)
    assert terminal.getvalue() == ""


def test_nothing_is_shown_without_a_terminal(capsys):
    with shown_lines(None) as advance:
        advance(5)
    assert capsys.readouterr().err == ""
