import pytest

from pipeline.corpora.packages.ding import KIND, read_dictionary


@pytest.mark.parametrize(
    ("line", "pairs"),
    [
        (
            "Haus {n} | Häuser {pl} :: house | houses",
            [("house", "Haus"), ("houses", "Häuser")],
        ),
        (
            "Amtsträger {m}; Amtsinhaber {m} [adm.] :: office holder; officeholder [Am.]",
            [("office holder", "Amtsträger"), ("officeholder", "Amtsinhaber")],
        ),
        (
            "Katze {f} (Tier) :: cat; kitty; puss /pʊs/",
            [("cat", "Katze"), ("kitty", "Katze"), ("puss", "Katze")],
        ),
        ("jdn./etw. suchen {vt} :: to seek sb./sth.", [("to seek sb.", "jdn. suchen")]),
        (
            "gehen | Gehst du heim ? :: to go | Do you go home?; Are you going home?",
            [("to go", "gehen"), ("Do you go home?", "Gehst du heim?")],
        ),
        ("ein Satz | zwei :: a sentence", []),
        ("er geht / läuft weit :: he goes far", []),
        ("# a comment :: here", []),
    ],
)
def test_an_entry_becomes_its_pairs(line: str, pairs: list) -> None:
    assert list(read_dictionary(line.encode())) == pairs


def test_another_encoding_is_an_error() -> None:
    with pytest.raises(ValueError):
        list(read_dictionary("Tür :: door".encode("latin-1")))


def test_the_dictionary_is_found_by_language() -> None:
    assert KIND.is_file("usr/share/trans/de-en", frozenset({"de"}))
    assert not KIND.is_file("usr/share/trans/de-en", frozenset({"fr"}))
