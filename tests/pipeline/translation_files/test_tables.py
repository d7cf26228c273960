import pytest

from pipeline.errors import UserError
from pipeline.translation_files.filling import fill
from pipeline.translation_files.tables import read_table
from tests.translation_files import shouted


def filled(text: str, fuzzy: bool = False) -> str:
    document = read_table("a.csv", text.encode(), ("en", "pt-BR"))
    return fill(document, shouted, fuzzy=fuzzy).content.decode()


def test_empty_cells_are_filled_and_marked_in_a_column_fuzzy() -> None:
    text = (
        '\ufeffid,source,target,fuzzy\r\n1,"a, b",,\r\n2,c,d,\r\n3,e,"f",True\r\n'
        '4,"g\n""h""",,"no"\r\n'
    )
    expected = text.replace('"a, b",,', '"a, b","A, B",True').replace(
        '""h""",,"no"', '""h""","G\n""H""","True"'
    )
    assert filled(text) == expected
    assert filled(text, fuzzy=True) == expected.replace('"f",True', '"E",True')


def test_codes_of_languages_name_columns() -> None:
    assert filled("pt-BR;key;en\n;1;a\n") == "pt-BR;key;en\nA;1;a\n"


def test_two_columns_need_no_header() -> None:
    assert filled("a\tb\nc\t\n") == "a\tb\nc\tC\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,c\nd,e\n", "a.csv has no header with a source and a target"),
        ("a\nb\n", "a.csv has no header with a source and a target"),
        ('a,b\nc,"d\n', "Line 2 of a.csv has a cell with wrong quotes"),
    ],
)
def test_a_table_that_cannot_be_read_is_a_sentence(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        filled(text)
