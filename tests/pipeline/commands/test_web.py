import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from libretranslatepy import LibreTranslateAPI

from components.parallel_text import LineLimits
from pipeline import cli
from pipeline.commands import web as web_command
from pipeline.config.settings import load_config, shipped_configs
from pipeline.corpora.accepted import accepted_pairs
from pipeline.corpora.folder import CorpusText, write_corpus
from serving.contract import layout
from tests.serving.client import scripted_server
from tests.serving.server.fake_model import make_version, wait_for
from tests.serving.standin_model import export_standin

ROOT = Path(cli.__file__).parents[1]
LONG = 60


def _complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["web", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_without_a_model_the_command_says_how_to_get_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _complaint(capsys, "--workspace", str(tmp_path)) == (
        f"nmt: There is no model in {tmp_path}/models/debian: train one with `nmt run --config "
        f"debian --workspace {tmp_path}` first, or name a --server that has it."
    )


def test_a_remote_workspace_needs_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    assert _complaint(capsys, "--workspace", "gs://bucket") == (
        "nmt: gs://bucket/models/debian is remote: name a --server that serves it."
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--server", "localhost:1", "--model", "x"], "give it, or --server, not both"),
        (["--tls"], "--tls is for a model server: give --server too"),
        (["--root-certificates", "x.pem"], "is for a model server: give --server too"),
        (["--server", "localhost"], "'localhost' is not an address of a gRPC server"),
        (
            ["--server", "localhost:1", "--root-certificates", "missing.pem"],
            "'missing.pem' cannot be read",
        ),
        (["--server", "localhost:1", "--examples", "missing.txt"], "--examples: missing.txt"),
        (["--server", "localhost:1", "--host", "not.here.invalid"], "give another --host"),
    ],
)
def test_options_that_cannot_work_are_refused_with_a_remedy(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert words in _complaint(capsys, "--port", "0", *arguments)


def test_a_port_that_is_taken_is_refused_before_the_model_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_version(tmp_path, 1)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert _complaint(capsys, "--model", str(tmp_path), "--port", str(port)) == (
            f"nmt: 127.0.0.1:{port} cannot be taken (Address already in use): give another --port."
        )


def test_debian_in_another_language_offers_the_same_sentences() -> None:
    german, french = load_config("debian"), load_config("debian", ["data.corpus=debian-fr"])
    assert web_command._examples(None, french) == web_command._examples(None, german)


@pytest.mark.parametrize("name", shipped_configs())
def test_every_shipped_configuration_has_sentences_to_offer(name: str) -> None:
    examples = web_command._examples(None, load_config(name))
    assert len(examples) >= 5
    assert all(sentence.endswith((".", "?")) for sentence in examples)


def test_sentences_of_ones_own_are_offered(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("One.\n\n  Two.\r\n", encoding="utf-8")
    assert web_command._examples(str(file), load_config("debian")) == ("One.", "Two.")


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("a", False)],
)
def test_only_this_machine_is_trusted_without_a_word(host: str, is_loopback: bool) -> None:
    assert web_command._is_loopback(host) == is_loopback


@contextmanager
def _page(*arguments: str) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "web", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _address(line: str) -> str:
    found = re.fullmatch(r"The page: (http://127\.0\.0\.1:[0-9]+)\n", line)
    assert found, line
    return found[1]


def _available(address: str) -> dict[str, float | None]:
    """Returns the BLEU of each available version."""
    with urllib.request.urlopen(f"{address}/api/versions", timeout=LONG) as response:
        versions = json.load(response)["versions"]
    return {each["version"]: each["bleu"] for each in versions if each["is_available"]}


def _translated(address: str, text: str) -> dict:
    request = urllib.request.Request(
        f"{address}/api/translate",
        json.dumps({"text": text}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=LONG) as response:
        return json.load(response)


def test_the_page_asks_another_server_and_starts_none() -> None:
    with (
        scripted_server.serving() as (server, _),
        _page("--server", server, "--set", f"name={scripted_server.MODEL}") as process,
    ):
        assert process.stdout is not None
        address = _address(process.stdout.readline())
        assert _translated(address, "the cat")["hypotheses"][0]["text"] == "THE CAT"
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=LONG)
    assert (process.returncode, output.splitlines()[-1], errors) == (0, "The page has ended.", "")


def test_a_suggestion_of_a_translators_tool_becomes_text_to_train_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    splits = {split: [(f"a {split}", "b")] for split in ("train", "validation", "test")}
    folder = tmp_path / "corpora/multi30k"
    write_corpus(CorpusText("multi30k", "en", "de", "CC0", "made up", splits), folder)
    place = ["--workspace", str(tmp_path)]
    with (
        scripted_server.serving() as (server, _),
        _page(
            *("--config", "multi30k", *place, "--server", server, "--suggestions"),
            *("--set", f"name={scripted_server.MODEL}"),
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == (
            f"Suggestions are collected in {folder}/suggestions.tsv.\n"
        )
        address = _address(process.stdout.readline())
        assert LibreTranslateAPI(address).translate("the cat", "en", "de") == "THE CAT"
        form = urlencode({"q": "the cat", "s": "die Katze", "source": "en", "target": "de"})
        request = urllib.request.Request(f"{address}/suggest", form.encode())
        with urllib.request.urlopen(request, timeout=LONG) as response:
            assert json.load(response) == {"success": True}
    assert cli.main(["corpus", "suggestions", "multi30k", "--accept", *place]) == 0
    assert f"span      {folder}/span-1\npairs     1\n" in capsys.readouterr().out
    pairs = accepted_pairs(folder, "train", LineLimits())
    assert [pair[:2] for pair in pairs] == [(b"a train", b"b"), (b"the cat", b"die Katze")]


@pytest.mark.parametrize(
    ("workspace", "words"),
    [("missing", "There is no corpus in"), ("gs://bucket", "needs a corpus on a local disk")],
)
def test_suggestions_need_a_corpus_here(
    capsys: pytest.CaptureFixture[str], workspace: str, words: str
) -> None:
    options = ["--suggestions", "--workspace", workspace, "--server", "localhost:1"]
    assert words in _complaint(capsys, *options)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_page_serves_the_newest_two_versions_itself(
    tmp_path: Path, how: signal.Signals
) -> None:
    for number in (3, 7, 8):
        export_standin(tmp_path / str(number))
    card = tmp_path / "7" / layout.MODEL_CARD
    card.parent.mkdir(exist_ok=True)
    card.write_text('{"training": {"validation_bleu": 35.2}}')
    with _page("--model", str(tmp_path)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"Loading debian from {tmp_path} ...\n"
        lines = iter(process.stdout.readline, "")
        address = next(_address(line) for line in lines if line.startswith("The page"))
        # The page may be there before the second version.
        wait_for(lambda: _available(address) == {"8": None, "7": 35.2})
        answer = _translated(address, "the cat")
        assert (answer["version"], answer["hypotheses"][0]["text"]) == ("8", "die Katze")
        process.send_signal(how)
        output, errors = process.communicate(timeout=LONG)
    assert (process.returncode, output.splitlines()[-1], errors) == (0, "The page has ended.", "")
