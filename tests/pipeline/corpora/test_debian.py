from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.corpora import apt, debian
from pipeline.corpora.debian import make_debian, read_descriptions, split_packages
from pipeline.corpora.descriptions import PackagePairs
from pipeline.corpora.information import SPLITS
from pipeline.errors import UserError

DESCRIPTION = """\
Package: pad{number}
Description-md5: {number}
Description-{language}: {synopsis}
 {body}

"""
RELEASE = """\
Origin: Debian
Suite: stable
Date: Sat, 01 Jan 2000 00:00:00 UTC
SHA256:
 00 1 main/i18n/Translation-de.xz
 00 1 main/i18n/Translation-fr.xz
 00 0 main/i18n/Translation-ml
 00 14 main/i18n/Translation-ml.xz
"""
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def translations(language: str, synopsis: str, body: str) -> str:
    words = [a + b for a in LETTERS[:16] for b in LETTERS[:16]]
    return "".join(
        DESCRIPTION.format(
            number=number,
            language=language,
            synopsis=synopsis.format(word),
            body=body.format(word),
        )
        for number, word in enumerate(words)
    )


FakeApt = Callable[..., Path]


@pytest.fixture
def fake_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeApt:
    """Two programs that stand for apt: one 'fetches' prepared lists, one prints a list."""
    archive = tmp_path / "archive"
    programs = tmp_path / "programs"
    archive.mkdir()
    programs.mkdir()

    def install(
        languages: tuple[str, ...] = ("en", "de"), release: str = RELEASE, complaint: str = ""
    ) -> Path:
        folder = tmp_path / "apt"
        lists = folder / "state/lists"
        stem = "mirror.example_debian_dists_stable"
        texts = {
            "en": translations("en", "{} notes for the screen", "Pad {} shows the notes."),
            "de": translations("de", "{} Notizen für Schirme", "Pad {} zeigt die Notizen."),
        }
        (archive / f"{stem}_InRelease").write_text(release, encoding="utf-8")
        targets = []
        for language in languages:
            name = f"{stem}_main_i18n_Translation-{language}"
            (archive / name).write_text(texts[language], encoding="utf-8")
            fields = ["Translations", language, "Debian", "stable", "main", "http://mirror.example"]
            targets.append("|".join([*fields, str(lists.resolve() / name)]))
        script = (
            "#!/bin/sh\n"
            'case "$*" in\n'
            f"*update) cp {archive}/* {lists}/; echo dlstatus:1:50.0:x; echo '{complaint}';;\n"
            f"*indextargets*) cat {programs}/targets;;\n"
            "*) exit 100;;\n"
            "esac\n"
        )
        (programs / "targets").write_text("".join(f"{t}\n" for t in targets), encoding="utf-8")
        for name, text in (("apt-get", script), ("apt-helper", '#!/bin/sh\ncat "$4"\n')):
            (programs / name).write_text(text, encoding="utf-8")
            (programs / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
        monkeypatch.setattr(apt, "APT_HELPER", programs / "apt-helper")
        return folder

    return install


def test_the_lists_become_a_corpus_with_origin_and_terms(fake_apt: FakeApt) -> None:
    corpus = make_debian("debian", fake_apt(), "de")
    assert ("aa notes for the screen", "aa Notizen für Schirme") in [
        pair for pairs in corpus.splits.values() for pair in pairs
    ]
    assert all(corpus.splits[split] for split in SPLITS)
    assert "Debian stable main, date Sat, 01 Jan 2000 00:00:00 UTC, suite stable" in corpus.origin
    assert "terms of the package" in corpus.licence


def test_the_same_lists_give_the_same_corpus(fake_apt: FakeApt) -> None:
    folder = fake_apt()
    assert make_debian("debian", folder, "de") == make_debian("debian", folder, "de")


def test_apt_gets_a_state_of_its_own_and_no_hooks(fake_apt: FakeApt) -> None:
    folder = fake_apt()
    make_debian("debian", folder, "de")
    configuration = (folder / "apt-de.conf").read_text(encoding="utf-8")
    for line in (
        f'Dir::State "{folder}/state";',
        f'Dir::Cache "{folder}/cache";',
        f'Dir::State::status "{folder}/status";',
        'Acquire::Languages { "en"; "de"; };',
        'APT::Sandbox::User "";',
        "#clear APT::Update::Post-Invoke;",
    ):
        assert line in configuration.splitlines()


def test_progress_is_told_in_percent(fake_apt: FakeApt) -> None:
    seen: list[tuple[str, int, int | None]] = []
    make_debian("debian", fake_apt(), "de", lambda *values: seen.append(values))
    assert [values[1:] for values in seen if values[0].startswith("Fetching")] == [
        (0, 100),
        (50, 100),
        (100, 100),
    ]


def test_a_language_that_debian_lacks_is_answered_with_those_it_has(fake_apt: FakeApt) -> None:
    folder = fake_apt(languages=("en",))
    for language in ("tlh", "ml"):
        answer = rf"no descriptions in '{language}'; --target can be de, fr\."
        with pytest.raises(UserError, match=answer):
            make_debian(f"debian-{language}", folder, language)


def test_a_language_without_descriptions_may_have_other_text(fake_apt: FakeApt) -> None:
    corpus = read_descriptions("general-tlh", fake_apt(languages=("en",)), "tlh", required=False)
    assert not any(corpus.splits.values())
    assert corpus.origin.startswith("No package descriptions in tlh: Debian stable main")


def test_too_little_text_is_refused_with_its_number_of_pairs(
    fake_apt: FakeApt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian, "VALIDATION_SHARE", 0.0)
    with pytest.raises(UserError, match="has [0-9]+ sentence pairs in 'de', too few to train"):
        make_debian("debian", fake_apt(), "de")


def test_no_network_names_the_alternatives(fake_apt: FakeApt) -> None:
    folder = fake_apt(languages=(), release="", complaint="W: Could not resolve mirror.example")
    with pytest.raises(UserError, match=r"\(Could not resolve mirror.example\).*nmt corpus import"):
        make_debian("debian", folder, "de")


def test_lists_of_an_earlier_time_do_without_a_network(fake_apt: FakeApt) -> None:
    seen: list[str] = []
    folder = fake_apt(complaint="W: Could not resolve mirror.example")
    corpus = make_debian("debian", folder, "de", lambda step, done, total: seen.append(step))
    assert corpus.splits["train"]
    assert any("Could not resolve mirror.example" in step for step in seen)


def test_no_apt_names_the_alternatives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="needs apt.*nmt corpus multi30k.*nmt corpus import"):
        make_debian("debian", tmp_path / "apt", "de")


@pytest.mark.parametrize("language", ["en", "", "../x", "german", 'd";', "DE"])
def test_what_is_no_language_never_reaches_apt(tmp_path: Path, language: str) -> None:
    with pytest.raises(UserError, match="is not a target language"):
        make_debian("debian", tmp_path / "apt", language)
    assert not (tmp_path / "apt").exists()


def test_the_packages_of_one_source_are_in_one_split() -> None:
    joined = [
        PackagePairs(f"p{family}-{part}", ((f"{word} {part}", f"{word} {part} de"),))
        for family, word in enumerate(a + b for a in LETTERS for b in LETTERS)
        for part in ("doc", "dev")
    ]
    families = {entry.package: entry.package.partition("-")[0] for entry in joined}
    splits, _ = split_packages(joined, families, families)
    words = [{source.partition(" ")[0] for source, _ in splits[split]} for split in SPLITS]
    assert all(words)
    assert sum(map(len, words)) == len(set.union(*words))


def test_boilerplate_that_differs_in_a_package_name_is_not_tested() -> None:
    joined = [
        PackagePairs(
            f"lib{a}{b}-dev",
            ((f"This package has the headers of lib{a}{b}.", f"Das sind Dateien von lib{a}{b}."),),
        )
        for a in LETTERS
        for b in LETTERS
    ]
    splits, dropped = split_packages(joined, {}, [entry.package for entry in joined])
    assert splits["validation"] == splits["test"] == []
    assert set(dropped) == {
        "near-duplicate in validation of train",
        "near-duplicate in test of train",
    }
