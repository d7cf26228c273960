from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.corpora.packages import collecting
from pipeline.corpora.packages.collecting import Collected, collect_packages
from pipeline.corpora.packages.registry import Source
from pipeline.errors import UserError
from tests.pipeline.corpora.packages.conftest import Archive, mo_file

CATALOGUE = "usr/share/locale/de/LC_MESSAGES/{}.mo"
COPYRIGHT = "usr/share/doc/{}/copyright"
PAGE = ".TH X 1\n.SH {}\n{}\n"


@pytest.fixture
def collect(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def run(*sources: Source, domains: Sequence[str] = ("interface", "manuals")) -> Collected:
        monkeypatch.setattr(collecting, "SOURCES", sources)
        return collect_packages(archive.apt, tmp_path / "packages", "de", domains)

    return run


MESSAGES = Source("interface", "gettext", r"less wesnoth-[\d.]+-data x-{language}")
MANUALS = Source("manuals", "manual pages", "manpages-{language} coreutils")


def test_the_text_of_a_package_has_its_version_and_licence(archive: Archive, collect) -> None:
    files = {CATALOGUE.format("less"): mo_file({"Open": "Öffnen"})}
    archive.add("less", files | {COPYRIGHT.format("less"): "License: GPL-3+\n"})
    (text,) = collect(MESSAGES).texts
    assert text.pairs == [("Open", "Öffnen")]
    assert (text.package.version, text.licence, text.domain) == ("1:2.0", "GPL-3+", "interface")


def test_versions_and_languages_in_names_are_found_in_the_index(archive: Archive, collect) -> None:
    for name in ("wesnoth-1.20-data", "wesnoth-1.20-music", "x-de", "x-fr"):
        archive.add(name, {CATALOGUE.format("x"): mo_file({f"Open {name}": "Öffnen x x"})})
    found = collect(MESSAGES)
    assert [text.package.name for text in found.texts] == ["wesnoth-1.20-data", "x-de"]
    assert found.missing == {"less": "not in the archive"}


def test_a_package_that_a_language_lacks_is_named(archive: Archive, collect) -> None:
    archive.add("less", {CATALOGUE.format("less"): mo_file({"Open": "Öffnen"})})
    missing = collect(Source("interface", "gettext", "less x-{language} y-{iso3}")).missing
    assert missing == {"x-de": "not there for this language"}


def test_a_package_that_is_gone_is_a_line_and_not_the_end(archive: Archive, collect) -> None:
    for name in ("less", "x-de"):
        archive.add(name, {CATALOGUE.format(name): mo_file({"Open": "Öffnen"})})
    archive.lose("less")
    found = collect(MESSAGES)
    assert [text.package.name for text in found.texts] == ["x-de"]
    assert found.missing["less"] == "could not be fetched"
    assert found.complaint == "Failed to fetch less 404 Not Found"


def test_a_damaged_file_is_counted(archive: Archive, collect) -> None:
    archive.add(
        "less",
        {CATALOGUE.format("a"): b"damaged", CATALOGUE.format("b"): mo_file({"Open": "Öffnen"})},
    )
    (text,) = collect(MESSAGES).texts
    assert text.pairs == [("Open", "Öffnen")]
    assert text.dropped == {"unreadable file": 1}


def test_a_package_without_text_in_the_language_is_named(archive: Archive, collect) -> None:
    archive.add("less", {"usr/share/locale/fr/LC_MESSAGES/less.mo": mo_file({"Open": "Ouvrir"})})
    assert collect(MESSAGES).missing["less"] == "without text in this language"


def test_a_document_and_its_translation_meet_in_two_packages(archive: Archive, collect) -> None:
    original = PAGE.format("NAME", "shows the files")
    translation = PAGE.format("BEZEICHNUNG", "zeigt die Dateien")
    archive.add("coreutils", {"usr/share/man/man1/ls.1": original})
    archive.add("manpages-de", {"usr/share/man/de/man1/ls.1": translation})
    found = collect(MANUALS)
    pairs = {text.package.name: text.pairs for text in found.texts}
    assert pairs == {
        "manpages-de": [],
        "coreutils": [("NAME", "BEZEICHNUNG"), ("shows the files", "zeigt die Dateien")],
    }
    assert found.missing == {}


def test_what_is_here_is_not_fetched_again(archive: Archive, collect, tmp_path: Path) -> None:
    for name in ("less", "x-de"):
        archive.add(name, {CATALOGUE.format(name): mo_file({"Open": "Öffnen"})})
    collect(MESSAGES)
    damaged = tmp_path / "packages" / archive.path("less").name
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert [text.pairs for text in collect(MESSAGES).texts] == [[("Open", "Öffnen")]] * 2
    assert archive.fetched == ["less", "x-de", "less"]


def test_an_older_version_is_replaced(archive: Archive, collect, tmp_path: Path) -> None:
    archive.add("less", {})
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages/less_1.0_all.deb").touch()
    (tmp_path / "packages/lesstif_1.0_all.deb").touch()
    collect(MESSAGES)
    here = {path.name for path in (tmp_path / "packages").iterdir()}
    assert here == {"less_1%3a2.0_all.deb", "lesstif_1.0_all.deb"}


def test_only_the_wanted_domains_are_fetched(archive: Archive, collect) -> None:
    archive.add("less", {})
    archive.add("coreutils", {})
    collect(MESSAGES, MANUALS, domains=["manuals"])
    assert archive.fetched == ["coreutils"]


def test_a_folder_that_cannot_be_written_is_a_sentence(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "packages").touch()
    with pytest.raises(UserError, match="choose another --workspace"):
        collect_packages(archive.apt, tmp_path / "packages", "de", ["manuals"])
