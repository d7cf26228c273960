import pytest

from pipeline.corpora.packages.messages import clean_message


@pytest.mark.parametrize(
    ("message", "cleaned"),
    [
        (("_Open File", "Datei öffnen (_O)"), ("Open File", "Datei öffnen")),
        (("&Open", "Ö&ffnen"), ("Open", "Öffnen")),
        (("R&D & more", "F&E und mehr"), ("RD & more", "FE und mehr")),
        (("snake_case_name", "snake_case_name hier"), ("snake_case_name", "snake_case_name hier")),
        (("&quot;Yes&quot;", "&quot;Ja&quot;"), ("&quot;Yes&quot;", "&quot;Ja&quot;")),
        (("menu|Print", "Drucken"), ("Print", "Drucken")),
        (("a|b", "c|d"), ("a|b", "c|d")),
        (("female^Elvish Archer", "Elfenschützin"), ("Elvish Archer", "Elfenschützin")),
        (("?gui_type:Reset", "Zurücksetzen"), ("Reset", "Zurücksetzen")),
        (("_: a hint\nPrint", "Drucken"), ("Print", "Drucken")),
    ],
)
def test_a_message_loses_contexts_and_marks(message: tuple, cleaned: tuple) -> None:
    assert list(clean_message(*message)) == [cleaned]


@pytest.mark.parametrize(
    "message", [("translator-credits", "Ada"), ("Your names", "Ada"), ("x", " "), ("", "x")]
)
def test_credits_and_empty_messages_are_left_out(message: tuple) -> None:
    assert list(clean_message(*message)) == []


def test_paragraphs_are_pairs_if_both_sides_have_as_many() -> None:
    assert list(clean_message("One.\n\nTwo.", "Eins.\n \nZwei.")) == [
        ("One.", "Eins."),
        ("Two.", "Zwei."),
    ]
    assert list(clean_message("One.\n\nTwo.", "Eins. Zwei.")) == [("One.\n\nTwo.", "Eins. Zwei.")]
