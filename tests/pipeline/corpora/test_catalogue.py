import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.corpora import catalogue
from pipeline.corpora.catalogue import (
    check_own_name,
    corpora_in,
    corpus_folder,
    corpus_name,
    make_corpus,
    prepare_corpus,
)
from pipeline.corpora.folder import CorpusText, write_corpus
from pipeline.corpora.information import PackageInfo, Split
from pipeline.corpora.packages.registry import DOMAINS
from pipeline.corpora.progress import Progress
from pipeline.corpora.shipped import SHIPPED
from pipeline.errors import UserError
from text.sentences import Pair


def text(name: str, target_language: str = "de") -> CorpusText:
    splits: dict[Split, list[Pair]] = {
        "train": [("a", "b")],
        "validation": [("c", "d")],
        "test": [("e", "f")],
    }
    return CorpusText(name, "en", target_language, "CC0", "this test", splits)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The target languages that Debian's corpus was made for."""
    languages: list[str] = []

    def fake(name: str, folder: Path, language: str, progress: Progress) -> CorpusText:
        languages.append(language)
        return text(name, language)

    monkeypatch.setattr(catalogue, "make_debian", fake)
    return languages


@pytest.mark.parametrize(
    ("name", "target", "full_name"),
    [
        ("debian", None, "debian"),
        ("debian", "de", "debian"),
        ("debian-de", None, "debian"),
        ("debian", "fr", "debian-fr"),
        ("debian-fr", None, "debian-fr"),
        ("debian-fr", "fr", "debian-fr"),
        ("debian", "pt_BR", "debian-pt_BR"),
        ("debian", "pt-br", "debian-pt_BR"),
        ("debian", "zh_CN", "debian-zh_CN"),
        ("debian", "zh-Hans", "debian-zh_CN"),
        ("debian-pt_BR", "pt-BR", "debian-pt_BR"),
        ("general", None, "general"),
        ("general", "pt-br", "general-pt_BR"),
        ("general-fr", None, "general-fr"),
        ("multi30k", "de", "multi30k"),
        ("mine", "fi", "mine"),
    ],
)
def test_a_debian_corpus_is_named_after_its_language(
    name: str, target: str | None, full_name: str
) -> None:
    assert corpus_name(name, target) == full_name


def test_a_general_corpus_has_the_wanted_domains_and_is_compared_with_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, tuple[str, ...]]] = []

    def fake(
        name: str, folder: Path, language: str, domains: tuple[str, ...], progress: Progress
    ) -> CorpusText:
        made.append((language, domains))
        package = PackageInfo(
            package="less",
            version="1",
            licence="GPL-3+",
            bytes=1,
            domain="manuals",
            split="train",
            pairs=1,
        )
        return dataclasses.replace(text(name, language), packages=(package,))

    monkeypatch.setattr(catalogue, "make_general", fake)
    for name, language in (("mine", "fr"), ("other", "de")):
        write_corpus(text(name, language), corpus_folder(name, tmp_path))
    corpus = make_corpus("general", tmp_path, target_language="fr", domains=("manuals",))
    assert made == [("fr", ("manuals",))]
    assert corpus.overlaps == {"mine": {"train": 1, "validation": 0, "test": 0}}
    prepare_corpus("general", tmp_path)
    assert made[1] == ("de", DOMAINS)


@pytest.mark.parametrize("target", ["English", "../../x", "EN us"])
def test_a_target_that_is_no_code_is_refused_and_the_form_is_said(target: str) -> None:
    with pytest.raises(UserError, match="is not a language code: write two or three small letters"):
        corpus_name("debian", target)


@pytest.mark.parametrize(("name", "target"), [("multi30k", "fr"), ("debian-fr", "es")])
def test_a_language_that_a_corpus_lacks_is_refused(name: str, target: str) -> None:
    with pytest.raises(UserError, match=target):
        corpus_name(name, target)


def test_a_corpus_is_made_once(tmp_path: Path, made: list[str]) -> None:
    first = prepare_corpus("debian", tmp_path, target_language="fr")
    assert prepare_corpus("debian-fr", tmp_path) == first
    assert made == ["fr"]
    assert corpus_folder("debian-fr", tmp_path).is_dir()


PREPARER = """
import sys
import time
from pathlib import Path

from pipeline.corpora import catalogue
from tests.pipeline.corpora.test_catalogue import text

def make_slowly(name, folder, language, progress):
    print("makes", flush=True)
    time.sleep(0.5)
    return text(name, language)

catalogue.make_debian = make_slowly
progress = lambda step, done, total: print(step, flush=True)
corpus = catalogue.prepare_corpus("debian", Path(sys.argv[1]), progress=progress)
print(corpus.model_dump_json())
"""


def start_preparer(workspace: Path) -> subprocess.Popen[str]:
    """Starts a process that needs the corpus and would make it in half a second."""
    command = [sys.executable, "-c", PREPARER, str(workspace)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")


def test_two_processes_that_miss_a_corpus_make_it_once(tmp_path: Path) -> None:
    processes = [start_preparer(tmp_path) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sum(output.count("makes") for output in outputs) == 1
    assert outputs[0][-1] == outputs[1][-1]


def test_a_process_that_waits_for_another_maker_says_so_and_survives_its_death(
    tmp_path: Path, made: list[str]
) -> None:
    steps = []
    with start_preparer(tmp_path) as first:
        assert first.stdout is not None
        first.stdout.readline()

        def kill_while_waiting(step: str, done: int, total: int | None) -> None:
            steps.append(step)
            first.kill()

        prepare_corpus("debian", tmp_path, progress=kill_while_waiting)
    assert steps[0].startswith("Waiting for another process")
    assert made == ["de"]


def test_a_damaged_corpus_is_not_used(tmp_path: Path, made: list[str]) -> None:
    prepare_corpus("debian", tmp_path)
    next(corpus_folder("debian", tmp_path).glob("train-*")).unlink()
    with pytest.raises(UserError, match="damaged"):
        prepare_corpus("debian", tmp_path)


def test_a_corpus_in_another_language_is_not_used(tmp_path: Path) -> None:
    write_corpus(text("mine"), corpus_folder("mine", tmp_path))
    with pytest.raises(UserError, match="into de, not fr"):
        prepare_corpus("mine", tmp_path, target_language="fr")


def test_a_path_is_a_corpus_folder_anywhere(tmp_path: Path) -> None:
    write_corpus(text("mine"), tmp_path / "elsewhere")
    assert prepare_corpus(str(tmp_path / "elsewhere"), tmp_path / "workspace").name == "mine"


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    write_corpus(text("mine"), corpus_folder("mine", tmp_path))
    with pytest.raises(UserError, match=f"{', '.join(SHIPPED)}, mine, and .*--name yours"):
        prepare_corpus("yours", tmp_path)


def test_an_existing_corpus_is_made_again_only_on_demand(tmp_path: Path, made: list[str]) -> None:
    make_corpus("debian", tmp_path)
    with pytest.raises(UserError, match="--force"):
        make_corpus("debian", tmp_path)
    make_corpus("debian", tmp_path, replace=True)
    assert made == ["de", "de"]


def test_a_local_copy_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        make_corpus("tatoeba", tmp_path, source=tmp_path / "nothing")


@pytest.mark.parametrize(
    "name", ["", "A", "a/b", "..", "a b", "debian", "debian-xx", "tatoeba", "general", "general-x"]
)
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="name"):
        check_own_name(name)


def test_the_corpora_of_a_workspace_are_listed(tmp_path: Path) -> None:
    assert corpora_in(tmp_path) == []
    for name in ("b", "a"):
        write_corpus(text(name), corpus_folder(name, tmp_path))
    (tmp_path / "corpora/.c.xyz.partial").mkdir()
    assert [entry.name for entry in corpora_in(tmp_path)] == ["a", "b"]
