import gzip
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline import cli
from pipeline.corpora.folder import CorpusText, write_corpus
from tests.pipeline.evaluation.texts import BETTER, MORE_REFERENCES, REFERENCES, SOURCES, WORSE
from tests.serving.client.scripted_server import MODEL, Script, serving

ROOT = Path(cli.__file__).parents[1]
FEW = ("--set", "evaluation.min_slice_sentences=3", "--set", "evaluation.bootstrap_resamples=200")
SERVED = ("--set", f"name={MODEL}")

Evaluate = Callable[..., str]
Complaint = Callable[..., str]


@pytest.fixture(autouse=True)
def _in_a_folder_of_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NMT_TOKEN", raising=False)
    texts = {
        "test.en": SOURCES,
        "test.de": REFERENCES,
        "more.de": MORE_REFERENCES,
        "better.de": BETTER,
        "worse.de": WORSE,
    }
    for name, lines in texts.items():
        Path(name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@pytest.fixture
def server() -> Iterator[tuple[str, Script]]:
    with serving() as (address, script):
        yield address, script


@pytest.fixture
def evaluate(capsys: pytest.CaptureFixture[str]) -> Evaluate:
    """Runs the command, and returns its output."""

    def run(*arguments: str) -> str:
        assert cli.main(["evaluate", *arguments]) == 0
        shown = capsys.readouterr()
        assert shown.err == ""
        return shown.out

    return run


@pytest.fixture
def complaint(capsys: pytest.CaptureFixture[str]) -> Complaint:
    """Runs the command with input that the user can correct, and returns the sentence."""

    def run(*arguments: str) -> str:
        assert cli.main(["evaluate", *arguments]) == 2
        shown = capsys.readouterr()
        [line] = shown.err.splitlines()
        assert shown.out == ""
        return line

    return run


def row(shown: str, start: str) -> list[str]:
    [found] = [line for line in shown.splitlines() if line.startswith(start)]
    return found.removeprefix(start).split()


def test_the_table_shows_what_sacrebleus_command_line_prints(evaluate: Evaluate) -> None:
    shown = evaluate("--reference", "test.de", "--hypotheses", "better.de")
    command = [sys.executable, "-m", "sacrebleu", "test.de", "-i", "better.de", "-w", "2", "-b"]
    printed = []
    for options in (["bleu"], ["chrf"], ["chrf", "--chrf-word-order", "2"], ["ter"]):
        done = subprocess.run([*command, "-m", *options], check=True, capture_output=True)
        printed.append(done.stdout.decode().strip())
    assert row(shown, "all") == [str(len(REFERENCES)), *printed]


def test_slices_and_signatures_are_shown(evaluate: Evaluate) -> None:
    shown = evaluate("--input", "test.en", "--reference", "test.de", "--hypotheses", "better.de")
    assert shown.startswith("10 sentences, references test.de\nsystem     better.de\n")
    places = [line.split("  ")[0] for line in shown.split("\n\n")[1].splitlines()]
    assert places == ["slice", "all", "1–10 words", "11–20 words", "21–30 words"]
    assert row(shown, "chrF++ ")[0].startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:2|")


def test_the_sentences_to_read_have_all_sides(evaluate: Evaluate) -> None:
    own = ("--input", "test.en", "--reference", "test.de", "--reference", "more.de")
    shown = evaluate(*own, "--hypotheses", "worse.de", "--top", "2")
    first, second = shown.split("\n\n")[-2:]
    assert first.splitlines() == [
        "line 6, chrF 0.0",
        "  source     Shows the time in 24 cities.",
        "  reference  Zeigt die Uhrzeit in 24 Städten.",
        "  reference  Zeigt die Zeit in 24 Städten an.",
        "  system",
    ]
    assert second.startswith("line 9, ")


def test_two_systems_are_shown_side_by_side(evaluate: Evaluate) -> None:
    own = ("--input", "test.en", "--reference", "test.de", *FEW)
    compared = ("--hypotheses", "worse.de", "--against-hypotheses", "better.de")
    shown = evaluate(*own, *compared, "--top", "1")
    document = json.loads(evaluate(*own, *compared, "--json"))
    bleu = document["slices"][0]["scores"]["bleu"]
    assert row(shown, "all") == [
        "BLEU",
        f"{bleu['system']:.2f}",
        f"{bleu['against']:.2f}",
        f"{bleu['difference']:+.2f}",
        f"{bleu['low']:+.2f}",
        "to",
        f"{bleu['high']:+.2f}",
        f"{bleu['drop_p_value']:.4f}",
    ]
    assert f"\nworse: BLEU {bleu['difference']:+.2f}, 95 % confidence interval " in shown
    assert row(shown, "10 sentences ")[0] == "chrF"
    assert row(shown, "21–30 words")[-1] == "few"
    assert "against    better.de\n" in shown
    assert "200 resamples, seed 1: share" in shown
    assert "counts if p is below 0.025, the share" in shown
    last = shown.split("\n\n")[-1].splitlines()
    assert last[0].startswith("line 6, chrF 0.0, -")
    assert last[-2:] == ["  system", "  against    Zeigt die Zeit in 24 Städten."]


def test_json_has_the_same_keys_for_one_system_and_for_two(evaluate: Evaluate) -> None:
    own = ("--reference", "test.de", "--hypotheses", "worse.de", "--json")
    one, two = json.loads(evaluate(*own)), json.loads(
        evaluate(*own, "--against-hypotheses", "better.de")
    )  # fmt: skip
    assert list(one) == list(two) == [
        "references", "system", "against", "sentences", "metric", "rule", "tokeniser",
        "signatures", "bootstrap", "slices", "to_read",
    ]  # fmt: skip
    assert (one["against"], one["bootstrap"]) == (None, None)
    assert two["bootstrap"]["drop_adjusted_p_value"] < 0.05
    for document in (one, two):
        [overall] = document["slices"]
        assert list(overall["scores"]) == list(document["signatures"])
        assert list(overall["scores"]["ter"]) == [
            "system", "against", "difference", "low", "high", "drop_p_value", "gain_p_value",
            "outcome",
        ]  # fmt: skip
        assert list(document["to_read"][0]) == [
            "line", "source", "references", "system", "against", "chrf", "against_chrf", "change",
        ]  # fmt: skip


def test_compressed_files_are_read(evaluate: Evaluate) -> None:
    plain = evaluate("--reference", "test.de", "--hypotheses", "worse.de", "--json")
    Path("worse.de").write_bytes(gzip.compress(Path("worse.de").read_bytes()))
    assert evaluate("--reference", "test.de", "--hypotheses", "worse.de", "--json") == plain


def test_a_file_may_be_standard_input(evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch) -> None:
    content = Path("better.de").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
    assert "10 sentences" in evaluate("--reference", "test.de", "--hypotheses", "-")


def test_the_tokeniser_follows_the_target_language(evaluate: Evaluate) -> None:
    own = ("--reference", "test.de", "--hypotheses", "better.de", "--json")
    document = json.loads(evaluate(*own, "--set", "data.target_language=zh"))
    assert "|tok:zh|" in document["signatures"]["bleu"]
    assert "|asian:yes|" in document["signatures"]["ter"]


def test_a_server_translates(
    evaluate: Evaluate, server: tuple[str, Script], tmp_path: Path
) -> None:
    options = ("--server", server[0], *SERVED, "--version", "3", "--output", "out.de")
    shown = evaluate("--input", "test.en", "--reference", "test.de", *options)
    assert f"system     {MODEL} on {server[0]}, version 3\n" in shown
    written = Path("out.de").read_text(encoding="utf-8").split("\n")
    assert written == [*(source.upper() for source in SOURCES), ""]


def test_versions_of_a_server_are_compared(evaluate: Evaluate, server: tuple[str, Script]) -> None:
    address, script = server
    own = ("--input", "test.en", "--reference", "test.de", "--server", address, *SERVED)
    shown = evaluate(*own, "--against", "3")
    assert f"against    {MODEL} on {address}, version 3\n" in shown
    assert "not distinguishable: BLEU +0.00" in shown
    assert {asked.spec.version.value for asked in script.requests} == {0, 3}
    assert "line " not in shown


def test_a_line_is_translated_whole_if_asked_for(
    evaluate: Evaluate, server: tuple[str, Script]
) -> None:
    own = ("--input", "test.en", "--reference", "test.de", "--server", server[0], *SERVED)
    for options, count in (((), len(SOURCES)), (("--whole-lines",), len(SOURCES) - 1)):
        server[1].requests.clear()
        evaluate(*own, *options)
        # One line is empty, and another has two sentences.
        assert sum(len(asked.texts) for asked in server[1].requests) == count


def test_neither_tensorflow_nor_tfx_is_loaded_without_an_exported_model(
    server: tuple[str, Script],
) -> None:
    program = (
        "import sys; from pipeline.cli import main\n"
        "status = main(['evaluate', *sys.argv[1:]])\n"
        "heavy = {'tensorflow', 'tensorflow_serving', 'tfx', 'apache_beam', 'keras'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or status)"
    )
    own = ("--input", "test.en", "--reference", "test.de", "--server", server[0], *SERVED)
    command = [sys.executable, "-c", program, *own, "--against-hypotheses", "worse.de"]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_split_of_the_corpus_is_sliced_by_its_features(evaluate: Evaluate) -> None:
    rows = [
        (source, reference, "tools" if len(source) > 40 else "games")
        for source, reference in zip(SOURCES, REFERENCES, strict=True)
        if source
    ]
    splits = {"train": rows[:1], "validation": rows[:1], "test": rows}
    text = CorpusText("own", "en", "de", "CC0", "made up", splits, features=("section",))
    write_corpus(text, Path("workspace/corpora/own"))
    hypotheses = [text for source, text in zip(SOURCES, BETTER, strict=True) if source]
    Path("better.de").write_text("\n".join(hypotheses), encoding="utf-8")
    settings = ("--set", "data.corpus=own", "--set", "evaluation.slice_features=[section]")
    shown = evaluate("--split", "test", "--hypotheses", "better.de", *settings)
    assert shown.startswith("9 sentences, references test split of own\n")
    assert row(shown, "section=tools")[0] == str(sum(row[2] == "tools" for row in rows))


def test_what_a_terminal_would_obey_is_spelled_out(evaluate: Evaluate) -> None:
    Path("worse.de").write_text("\x1b[2J\n" * len(REFERENCES), encoding="utf-8")
    shown = evaluate("--reference", "test.de", "--hypotheses", "worse.de", "--top", "1")
    assert shown.endswith("  system     \\x1b[2J\n")


OWN = ("--input", "test.en", "--reference", "test.de")
FOREIGN = ("--reference", "test.de", "--hypotheses", "better.de")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Nothing to evaluate: give a test set"),
        (("--input", "test.en"), "Nothing to evaluate"),
        (("--split", "test", "--reference", "test.de"), "or --split, not both"),
        ((*FOREIGN, "--against", "1", "--against-model", "x"), "Give only one of --against, "),
        ((*FOREIGN, "--version", "2"), "--version is for a model, and --hypotheses replaces it"),
        ((*FOREIGN, "--server", "here:1"), "--server is for a model, and"),
        ((*FOREIGN, "--output", "out.de"), "--output is for a model, and"),
        ((*OWN, "--output", "none/out.de"), "'none/out.de' cannot be written"),
        (("--reference", "test.de", "--server", "here:1"), "give them with --input"),
        ((*OWN, "--hypotheses", "none.de"), "Cannot read none.de (No such file or directory)"),
        ((*OWN, "--hypotheses", "."), "Cannot read . (Is a directory)"),
        ((*OWN, "--model", "none"), "There is no model in none"),
        ((*FOREIGN, "--against-model", "none"), "There is no model in none"),
        ((*FOREIGN, "--config", "klingon"), "no configuration 'klingon'"),
        (("--split", "test", "--hypotheses", "better.de"), "There is no corpus in"),
    ],
)
def test_what_the_user_can_correct_is_a_sentence(
    complaint: Complaint, arguments: tuple[str, ...], sentence: str
) -> None:
    assert sentence in complaint(*arguments)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("test.de", b"Eins\n", "and test.de differ in their numbers of lines (10 and 1): line n"),
        ("more.de", b"Eins\n\n", "more.de and test.de differ in their numbers of lines (2 and 10)"),
        ("better.de", b"", "better.de and test.de differ in their numbers of lines (0 and"),
        (
            "better.de",
            b"gut\n" * 11,
            "better.de and test.de differ in their numbers of lines (11",
        ),
        ("test.de", b"F\xfcr dich\n" * 10, "Line 1 of test.de is not UTF-8, but probably WINDOWS"),
        ("test.en", "So\n".encode("utf-16"), "Line 1 of test.en is not UTF-8, but probably UTF-16"),
        ("more.de", gzip.compress(b"Eins" * 99, mtime=0)[:20], "more.de is a damaged gzip file"),
    ],
)
def test_texts_that_do_not_belong_together_are_named(
    complaint: Complaint, name: str, content: bytes, sentence: str
) -> None:
    Path(name).write_bytes(content)
    assert sentence in complaint(*OWN, "--reference", "more.de", "--hypotheses", "better.de")


def test_a_set_without_lines_is_refused(complaint: Complaint) -> None:
    for name in ("test.de", "better.de"):
        Path(name).write_bytes(b"")
    assert "test.de holds no lines" in complaint(*FOREIGN)
