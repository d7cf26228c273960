import pytest

from pipeline.corpora.packages.qt_catalogue import KIND, read_catalogue
from tests.pipeline.corpora.packages.conftest import qm_file


def test_messages_are_read_with_the_last_form_of_a_plural() -> None:
    content = qm_file({"&Open": ("Ö&ffnen",), "%n file(s)": ("%n Datei", "%n Dateien")})
    assert list(read_catalogue(content)) == [("Open", "Öffnen"), ("%n file(s)", "%n Dateien")]


@pytest.mark.parametrize("content", [b"", b"text", qm_file({"Open": ("Auf",)})[:-9]])
def test_a_damaged_catalogue_is_an_error(content: bytes) -> None:
    with pytest.raises(ValueError):
        list(read_catalogue(content))


def test_catalogues_are_found_by_the_end_of_their_name() -> None:
    names = frozenset({"pt-br", "pt_br"})
    assert KIND.is_file("usr/share/qt5/translations/qt_pt_BR.qm", names)
    assert not KIND.is_file("usr/share/qt5/translations/qt_pt.qm", names)
    assert not KIND.is_file("usr/share/qt5/translations/qt_pt_BR.ts", names)
