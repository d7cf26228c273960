from pathlib import Path

import pytest

from pipeline.corpora.folder import CorpusText, load_corpus, read_split, write_corpus
from pipeline.corpora.information import SPLITS, Split
from pipeline.corpora.packages import collecting, making
from pipeline.corpora.packages.making import check_domains, make_general
from pipeline.corpora.packages.registry import Source
from pipeline.errors import UserError
from tests.pipeline.corpora.packages.conftest import Archive, mo_file
from text.sentences import Pair

DESCRIPTIONS: dict[Split, list[Pair]] = {
    "train": [("a small editor", "ein kleiner Editor")],
    "validation": [("a game", "ein Spiel")],
    "test": [("a library", "eine Bibliothek")],
}


@pytest.fixture
def make(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def make_descriptions(name: str, *_: object, **__: object) -> CorpusText:
        return CorpusText(name, "en", "de", "terms", "Debian", DESCRIPTIONS, {"untranslated": 3})

    monkeypatch.setattr(making, "read_descriptions", make_descriptions)
    monkeypatch.setattr(collecting, "SOURCES", (Source("interface", "gettext", "p.*"),))

    def run() -> CorpusText:
        return make_general("general", tmp_path / "apt", "de", ["interface"])

    return run


def add(archive: Archive, name: str, messages: dict[str, str]) -> None:
    archive.add(name, {"usr/share/locale/de/LC_MESSAGES/x.mo": mo_file(messages)})


def test_the_corpus_has_a_domain_for_each_pair_and_a_row_for_each_package(
    archive: Archive, make, tmp_path: Path
) -> None:
    for number in range(30):
        letter = chr(ord("a") + number)
        messages = {f"{letter * n} file": f"{letter * n} Datei" for n in range(3, 28)}
        add(archive, f"p{number}", messages)
    write_corpus(make(), tmp_path / "general")
    corpus = load_corpus(tmp_path / "general")
    assert corpus.features == ("domain",)
    assert corpus.dropped["untranslated"] == 3
    rows = {entry.package: entry for entry in corpus.packages}
    assert len(rows) == 30
    assert {entry.split for entry in rows.values()} == set(SPLITS)
    for split in SPLITS:
        pairs = list(read_split(tmp_path / "general", split))
        assert set(DESCRIPTIONS[split]) < set(pairs)
        of_packages = sum(entry.pairs for entry in rows.values() if entry.split == split)
        assert len(pairs) == 1 + of_packages


def test_nothing_to_read_is_a_sentence(archive: Archive, make) -> None:
    add(archive, "p1", {"Open": "Öffnen"})
    archive.lose("p1")
    with pytest.raises(UserError, match="Failed to fetch p1 404 Not Found.*leave out --with"):
        make()


def test_a_language_without_text_is_a_sentence(archive: Archive, make) -> None:
    archive.add("p1", {})
    with pytest.raises(UserError, match="no such text in 'de': name other kinds"):
        make()


def test_domains_are_given_with_commas_in_any_order() -> None:
    assert check_domains("interface, dialogue") == ("dialogue", "interface")


@pytest.mark.parametrize("text", ["", "games", "dialogue,games", "dialogue,"])
def test_an_unknown_domain_is_answered_with_the_known_ones(text: str) -> None:
    with pytest.raises(UserError, match="dictionary, dialogue, manuals, interface"):
        check_domains(text)
