import pytest

from pipeline.corpora.packages.gettext_catalogue import KIND, read_catalogue
from tests.pipeline.corpora.packages.conftest import mo_file


@pytest.mark.parametrize("order", ["<", ">"])
def test_messages_of_both_byte_orders_are_read(order: str) -> None:
    content = mo_file({"Open": "Öffnen", "Close": "Schließen"}, order=order)
    assert list(read_catalogue(content)) == [("Open", "Öffnen"), ("Close", "Schließen")]


def test_a_plural_is_a_pair_of_its_own() -> None:
    content = mo_file({"%d file\0%d files": "%d Datei\0%d Dateien"})
    assert list(read_catalogue(content)) == [
        ("%d file", "%d Datei"),
        ("%d files", "%d Dateien"),
    ]


def test_a_language_without_plurals_has_the_singular_alone() -> None:
    content = mo_file({"%d file\0%d files": "%d ファイル"})
    assert list(read_catalogue(content)) == [("%d file", "%d ファイル")]


def test_the_context_is_left_out() -> None:
    assert list(read_catalogue(mo_file({"menu\x04Open": "Öffnen"}))) == [("Open", "Öffnen")]


def test_the_encoding_of_the_header_is_used() -> None:
    content = mo_file({"Open": "Öffnen"}, charset="ISO-8859-1")
    assert list(read_catalogue(content)) == [("Open", "Öffnen")]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text, not a catalogue",
        mo_file({"Open": "Öffnen"})[:-20],
        mo_file({"Open": "Öffnen"})[:30],
        mo_file({"Open": "x"}).replace(b"charset=UTF-8", b"charset=NO-10"),
        mo_file({"Open": "Öffnen"}).replace("Ö".encode(), b"\xff\xff"),
    ],
)
def test_a_damaged_catalogue_is_an_error(content: bytes) -> None:
    with pytest.raises(ValueError):
        list(read_catalogue(content))


def test_catalogues_are_found_by_language() -> None:
    names = frozenset({"de", "de_de"})
    assert KIND.is_file("usr/share/locale/de/LC_MESSAGES/less.mo", names)
    assert KIND.is_file("usr/share/games/x/locale/de_DE/LC_MESSAGES/x.mo", names)
    assert not KIND.is_file("usr/share/locale/nds/LC_MESSAGES/less.mo", names)
    assert not KIND.is_file("usr/share/locale/de/LC_MESSAGES/less.txt", names)
