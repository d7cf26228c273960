import pytest

from pipeline.corpora.formats.columns import HEADER, WRONG_COLUMNS, chosen_columns
from pipeline.corpora.formats.finding import ParallelText
from pipeline.corpora.formats.text_file import Reading
from pipeline.errors import UserError

TABLE = [["id", "German", "EN"], ["1", "eins", "one"], ["2", "zwei", "two"], ["3"]]


def choose(table: list[list[str]], *columns: str, features: tuple[str, ...] = ()) -> list:
    text = ParallelText("a.tsv", lambda _: iter(enumerate(table, start=1)), is_table=True)
    return list(chosen_columns(text, Reading(columns=columns, features=features)))


@pytest.mark.parametrize("columns", [("en", "german"), ("3", "German"), ("EN", "2")])
def test_columns_are_chosen_by_name_or_number(columns: tuple[str, ...]) -> None:
    assert choose(TABLE, *columns) == [
        (1, TABLE[0], HEADER),
        (2, ["one", "eins"], ""),
        (3, ["two", "zwei"], ""),
        (4, ["3"], WRONG_COLUMNS),
    ]


def test_numbers_alone_take_the_first_line_as_text() -> None:
    assert choose(TABLE, "3", "2", "1", features=("number",))[0] == (1, ["EN", "German", "id"], "")


@pytest.mark.parametrize("header", [["Source", "target"], ["en", "DE"], ["src", "trg"]])
def test_a_line_of_usual_names_is_a_header(header: list[str]) -> None:
    table = [header, ["one", "eins"], ["source", "Quelle"]]
    assert [reason for _, _, reason in choose(table)] == [HEADER, "", ""]
    assert [reason for _, _, reason in choose(table[::-1])] == ["", "", ""]


def test_an_unknown_column_is_named_with_the_first_line() -> None:
    with pytest.raises(UserError, match=r"a\.tsv has no column 'fr'.*\(2\) German, \(3\) EN"):
        choose(TABLE, "en", "fr")
    for number in ("0", "4", "²"):
        with pytest.raises(UserError, match=f"no column '{number}'"):
            choose(TABLE, number, "1")


def test_more_columns_than_needed_are_shown() -> None:
    with pytest.raises(UserError, match=r"has 3 columns, such as \(1\) .*--columns 1,2"):
        choose(TABLE)
    with pytest.raises(UserError, match=r"--columns 1,2,3\."):
        choose([["a", "b", "c", "d"]], features=("domain",))


def test_the_number_of_chosen_columns_is_that_of_the_texts_and_features() -> None:
    with pytest.raises(UserError, match="names 2 columns, but 3 are needed: source, target, dom"):
        choose(TABLE, "1", "2", features=("domain",))


def test_a_header_that_names_both_sides_chooses_them_among_others() -> None:
    table = [["location", "source", "de", "fuzzy"], ["a.c:1", "one", "eins", ""]]
    assert choose(table)[1:] == [(2, ["one", "eins"], "")]
