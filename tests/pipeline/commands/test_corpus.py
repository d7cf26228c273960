import json
import resource
import shlex
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from components.parallel_text import LineLimits
from pipeline.cli import main
from pipeline.corpora.folder import CorpusText, write_corpus
from pipeline.corpora.information import SPLITS, PackageInfo
from pipeline.corpora.shipped import SHIPPED
from pipeline.corpora.suggestions import SuggestionFile

ROOT = Path(__file__).parents[3]
WORDS = [f"{a}{b}" for a in "bcdfghjklm" for b in "aeiou"]


@pytest.fixture
def own_text(tmp_path: Path) -> list[str]:
    (tmp_path / "a.en").write_text("".join(f"the {w}\n" for w in WORDS), encoding="utf-8")
    (tmp_path / "a.de").write_text("".join(f"das {w}\n" for w in WORDS), encoding="utf-8")
    return ["--source", str(tmp_path / "a.en"), "--target", str(tmp_path / "a.de")]


def corpus(tmp_path: Path, *arguments: str) -> int:
    return main(["corpus", *arguments, "--workspace", str(tmp_path / "workspace")])


def test_own_text_is_imported_and_told_about(
    tmp_path: Path, own_text: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert corpus(tmp_path, "import", "--name", "mine", *own_text, "--licence", "CC0") == 0
    shown = capsys.readouterr()
    assert "CC0" in shown.out
    assert f"config    {tmp_path}/workspace/configurations/mine.yaml" in shown.out
    assert "floor     none yet: 2 test pairs are too few" in shown.out
    assert "Reading a.en + a.de ..." in shown.err


def test_json_is_corpus_json_and_nothing_else(
    tmp_path: Path, own_text: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--validation", "5", "--test", "4", "--target-language", "nl", "--json"]
    assert corpus(tmp_path, "import", "--name", "mine", *own_text, *arguments) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["counts"] == {"train": 41, "validation": 5, "test": 4}
    assert document["target_language"] == "nl"


def test_two_corpora_are_mixed_and_the_gate_slices_by_them(
    tmp_path: Path, own_text: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b.tsv").write_text("".join(f"a {w} b\tein {w} b\n" for w in WORDS), "utf-8")
    assert corpus(tmp_path, "import", "--name", "law", *own_text) == 0
    assert corpus(tmp_path, "import", "--name", "news", "--file", str(tmp_path / "b.tsv")) == 0
    arguments = ("--name", "mixed", "--domain", "law", "--general", "news", "--share", "0.1")
    assert corpus(tmp_path, "mix", *arguments) == 0
    assert "features  corpus" in capsys.readouterr().out
    made = (tmp_path / "workspace/configurations/mixed.yaml").read_text(encoding="utf-8")
    assert "slice_features:\n    - corpus\n" in made
    assert corpus(tmp_path, "mix", *arguments) == 2
    assert "exists already; add --force" in capsys.readouterr().err


def test_a_shifted_file_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{word * (1 + number * 7 % 13)}\n" for number, word in enumerate(WORDS * 10)]
    (tmp_path / "a.en").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "a.de").write_text("".join([*lines[1:], "x\n"]), encoding="utf-8")
    files = ["--source", str(tmp_path / "a.en"), "--target", str(tmp_path / "a.de")]
    assert corpus(tmp_path, "import", "--name", "mine", *files) == 2
    assert "a.en + a.de is shifted: from about line 1 on" in capsys.readouterr().err
    assert not (tmp_path / "workspace/corpora").exists()


def test_a_tsv_file_is_imported(tmp_path: Path) -> None:
    lines = [f"the {word}\tdas {word}\n" for word in WORDS]
    (tmp_path / "a.tsv").write_text("".join([*lines, "broken\n"]), encoding="utf-8")
    assert corpus(tmp_path, "import", "--name", "mine", "--tsv", str(tmp_path / "a.tsv")) == 0
    rejected = (tmp_path / "workspace/corpora/mine/rejected.tsv").read_text(encoding="utf-8")
    assert "a.tsv\t51\twrong number of columns\t'broken'" in rejected


def test_further_columns_of_a_tsv_file_are_imported_as_features(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"the {word}\tdas {word}\t{word[0]}\tx\n" for word in WORDS]
    (tmp_path / "a.tsv").write_text("".join(lines), encoding="utf-8")
    tsv = ["--tsv", str(tmp_path / "a.tsv"), "--feature", "letter", "--feature", "writer"]
    assert corpus(tmp_path, "import", "--name", "mine", *tsv) == 0
    assert "features  letter, writer" in capsys.readouterr().out
    assert corpus(tmp_path, "show", "mine", "--json") == 0
    assert json.loads(capsys.readouterr().out)["features"] == ["letter", "writer"]


def test_a_folder_of_translators_files_is_imported_and_told_by_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = "".join(f'msgid "the {word}"\nmsgstr "das {word}"\n\n' for word in WORDS)
    texts = {"de.po": f'{entries}#, fuzzy\nmsgid "a"\nmsgstr "ein"\n\nmsgid "b"\nmsgstr ""\n'}
    texts["fr.po"] = texts["de.po"]
    texts["en.json"] = json.dumps({word: f"a {word}" for word in WORDS})
    texts["de.json"] = json.dumps({word: f"ein {word}" for word in [*WORDS[1:], "x"]})
    folder = tmp_path / "in"
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    options = ["--file", str(folder), "--feature", "file"]
    assert corpus(tmp_path, "import", "--name", "mine", *options) == 0
    shown = capsys.readouterr().out
    assert "Imported files" in shown
    information = json.loads((tmp_path / "workspace/corpora/mine/corpus.json").read_text("utf-8"))
    assert information["files"] == {
        "de.po": {"taken": 50, "fuzzy": 1, "untranslated": 1},
        "en.json + de.json": {"taken": 49, "without a partner": 1},
        "fr.po": {"taken": 0, "in another language": 1},
    }
    assert information["features"] == ["file"]
    # A set of one's own loses the entries without a translation, and no line is an error.
    options = ["--file", str(folder / "de.po"), "--test-file", str(folder / "de.po")]
    assert corpus(tmp_path, "import", "--name", "other", *options) == 2
    assert "Nothing is left for train" in capsys.readouterr().err


def test_a_test_set_of_one_s_own_and_chosen_columns_are_imported(
    tmp_path: Path, own_text: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_text("id,de,en\n1,das ba,The ba.\n", encoding="latin-1")
    options = [
        "--test-file",
        str(tmp_path / "t.csv"),
        "--columns",
        "en, de",
        "--encoding",
        "cp1252",
    ]
    assert corpus(tmp_path, "import", "--name", "mine", *own_text, *options, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["counts"] == {"train": 47, "validation": 2, "test": 1}
    assert document["dropped"] == {"found in test": 1}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["Domain"], "'Domain' is no name for a feature"),
        (["source"], "source is part of every example already"),
        (["length_bucket"], "length_bucket is part of every example already"),
        (["domain", "domain"], "The feature domain is named twice"),
    ],
)
def test_a_name_that_no_feature_can_have_is_refused(
    tmp_path: Path, names: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.tsv").write_text("a\tb\tc\n", encoding="utf-8")
    options = [part for name in names for part in ("--feature", name)]
    tsv = ["--tsv", str(tmp_path / "a.tsv")]
    assert corpus(tmp_path, "import", "--name", "mine", *tsv, *options) == 2
    assert message in capsys.readouterr().err


def test_aligned_files_have_no_columns_for_features(
    tmp_path: Path, own_text: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert corpus(tmp_path, "import", "--name", "mine", *own_text, "--feature", "domain") == 2
    assert "--feature names a column of a --file file" in capsys.readouterr().err


@pytest.mark.parametrize("left_out", [0, 2])
def test_half_of_the_files_is_refused(
    tmp_path: Path, own_text: list[str], left_out: int, capsys: pytest.CaptureFixture[str]
) -> None:
    del own_text[left_out : left_out + 2]
    assert corpus(tmp_path, "import", "--name", "mine", *own_text) == 2
    assert "give a target for each source, in the same order" in capsys.readouterr().err


@pytest.mark.parametrize("code", ["German", "../../x", "EN us", ""])
@pytest.mark.parametrize("option", ["--source-language", "--target-language"])
def test_a_language_that_no_configuration_takes_is_refused(
    tmp_path: Path,
    own_text: list[str],
    option: str,
    code: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own_text += [option, code]
    assert corpus(tmp_path, "import", "--name", "mine", *own_text) == 2
    refusal = capsys.readouterr().err
    assert f"{code!r} is not a language code: write two or three small letters" in refusal
    key = f"data.{option.removeprefix('--').replace('-', '_')}"
    assert main(["config", "show", "--set", f"{key}='{code}'"]) == 2
    assert refusal.removeprefix("nmt: ") in capsys.readouterr().err


def test_a_code_in_any_usual_spelling_is_taken_and_the_next_command_takes_it_too(
    tmp_path: Path, own_text: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    own_text += ["--source-language", "sr@latin", "--target-language", "zh_CN"]
    assert corpus(tmp_path, "import", "--name", "mine", *own_text) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    program, _, arguments = last.partition(" run ")
    assert program.startswith("next ")
    assert main(["config", "show", "--json", *shlex.split(arguments)]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert (data["corpus"], data["source_language"]) == ("mine", "sr-Latn")
    assert data["target_language"] == "zh-CN"


def test_corpora_are_listed_and_shown(
    tmp_path: Path, own_text: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    corpus(tmp_path, "import", "--name", "mine", *own_text)
    capsys.readouterr()
    assert corpus(tmp_path, "list") == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed[0].startswith("mine         en to de: 46 train")
    assert [line.split()[0] for line in listed[1:]] == list(SHIPPED)
    assert corpus(tmp_path, "show", "mine", "--json") == 0
    assert json.loads(capsys.readouterr().out)["name"] == "mine"


def test_text_that_packages_lack_is_refused_with_the_kinds_that_they_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert corpus(tmp_path, "debian", "--with", "games") == 2
    said = capsys.readouterr().err
    assert "--with takes dictionary, dialogue, manuals, interface" in said


def test_the_packages_of_a_corpus_are_shown_by_domain_with_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (("less", "manuals", 2_000_000, 7), ("more", "manuals", 500_000, 5))
    packages = tuple(
        PackageInfo(
            package=name,
            version="1",
            licence="GPL-3+",
            bytes=size,
            domain=domain,
            split="train",
            pairs=pairs,
            dropped={"untranslated": 3},
        )
        for name, domain, size, pairs in rows
    )
    missing = {"gone": "not in the archive", "also-gone": "not in the archive"}
    splits = {split: [("One", "Eins")] for split in SPLITS}
    overlaps = {"multi30k": {"train": 4, "validation": 0, "test": 2}}
    text = CorpusText("general", "en", "de", "terms", "Debian", splits)
    text = replace(text, packages=packages, missing=missing, overlaps=overlaps)
    write_corpus(text, tmp_path / "workspace/corpora/general")
    assert corpus(tmp_path, "show", "general") == 0
    shown = capsys.readouterr().out
    (row,) = [line for line in shown.splitlines() if "manuals" in line]
    assert row.replace("│", " ").split() == ["manuals", "2", "2.5", "12", "0", "0", "6"]
    assert "not in the archive also-gone, gone" in shown
    assert "in multi30k, too 4 of train, 0 of validation, 2 of test" in shown


def test_the_next_command_of_a_shipped_corpus_is_its_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.tsv").write_text("".join(f"a {w}\tdas {w}\n" for w in WORDS), encoding="utf-8")
    assert corpus(tmp_path, "tatoeba", "--from", str(tmp_path / "t.tsv")) == 0
    assert " run --config tatoeba" in capsys.readouterr().out.splitlines()[-1]


def test_a_remote_workspace_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpus", "list", "--workspace", "gs://bucket/folder"]) == 2
    assert "local disk" in capsys.readouterr().err


def test_a_disk_without_room_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, own_text: list[str]
) -> None:
    def no_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    workspace = tmp_path / "workspace"
    command = ["-m", "pipeline", "corpus", "import", "--name", "mine", *own_text]
    result = subprocess.run(
        [sys.executable, *command, "--workspace", str(workspace)],
        cwd=ROOT,
        preexec_fn=no_room,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("nmt: The disk is full")
    assert "Traceback" not in result.stderr
    assert list((workspace / "corpora").iterdir()) == []


def test_the_help_loads_nothing_heavy() -> None:
    program = (
        "import sys, pipeline.commands.corpus\n"
        "heavy = {'tensorflow', 'tfx', 'apache_beam', 'pydantic', 'pipeline.corpora.catalogue'}\n"
        "sys.exit(' '.join(heavy & sys.modules.keys()))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.stderr.strip() == ""


def test_suggestions_are_shown_until_they_are_accepted(
    tmp_path: Path, own_text: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert corpus(tmp_path, "import", "--name", "mine", *own_text) == 0
    folder = tmp_path / "workspace/corpora/mine"
    SuggestionFile(folder, LineLimits()).add("A cat.", "Eine Katze.")
    capsys.readouterr()
    assert corpus(tmp_path, "suggestions", "mine") == 0
    shown = capsys.readouterr().out
    assert shown.startswith("A cat.\n  Eine Katze.\npairs     1\nnext  ")
    assert shown.endswith(f"corpus suggestions mine --workspace {tmp_path}/workspace --accept\n")
    assert corpus(tmp_path, "suggestions", "mine", "--json") == 0
    pairs = [{"source": "A cat.", "target": "Eine Katze."}]
    assert json.loads(capsys.readouterr().out) == pairs
    SuggestionFile(folder, LineLimits()).add(f"the {WORDS[20]}", f"das {WORDS[20]}")
    assert corpus(tmp_path, "suggestions", "mine", "--accept") == 0
    shown = capsys.readouterr().out
    assert f"span      {folder}/span-1\npairs     1\nleft out  1 that the corpus has" in shown
    assert "run --config mine" in shown
    assert corpus(tmp_path, "suggestions", "mine") == 0
    assert capsys.readouterr().out == "pairs     0\n`nmt web --suggestions` collects some\n"
    assert corpus(tmp_path, "suggestions", "mine", "--accept", "--json") == 2
    assert "There are no suggestions in" in capsys.readouterr().err
