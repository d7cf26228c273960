import io

from pipeline.corpora.formats.text_file import Reading, TextFile
from pipeline.corpora.formats.tsv import read_tsv


def rows(content: bytes) -> list[tuple[int, list[str]]]:
    file = TextFile("a.tsv", lambda: io.BytesIO(content), len(content))
    return [(line, list(cells)) for line, cells in read_tsv(file, Reading())]


def test_quotes_are_text() -> None:
    assert rows(b'"one"\t"eins\n\n"two\tzwei"\t') == [
        (1, ['"one"', '"eins']),
        (2, [""]),
        (3, ['"two', 'zwei"', ""]),
    ]


def test_a_spreadsheet_s_quotes_are_not() -> None:
    text = 'one, two\t"eins, ""zwei"""\r\nthree\tdrei\r\n'
    assert rows(text.encode("utf-16")) == [
        (1, ["one, two", 'eins, "zwei"']),
        (2, ["three", "drei"]),
    ]
