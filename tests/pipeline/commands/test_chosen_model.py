import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from pipeline import cli
from pipeline.commands import chosen_model
from tests.serving.client.certificates import credentials, make_certificates
from tests.serving.client.scripted_server import MODEL, Script, serving
from tests.serving.server.fake_model import running_server, settings_for, wait_for

ROOT = Path(cli.__file__).parents[1]
NAME = f"name={MODEL}"
TARGET = ("--target", "die Katze")
COMMANDS = [
    (("translate", "the cat"), "THE CAT"),
    (("translate", "the cat", "--n-best"), "0 ||| THE CAT ||| -2.000000"),
    (("align", "the cat"), "THE CAT ||| 0-0 1-1"),
    (("align", "the cat", *TARGET), "0-0 1-1"),
    (("heatmap", "the cat"), "THE CAT"),
    (("heatmap", "the cat", *TARGET), "die Katze"),
    (("score", "the cat", *TARGET), "-2.000000"),
    (("diagnose", "the cat", "--top", "0"), " diagonal            1  100.0%"),
    (("diagnose", "the cat", *TARGET, "--top", "0"), " diagonal            1  100.0%"),
]


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NMT_TOKEN", raising=False)


@pytest.fixture
def server() -> Iterator[tuple[str, Script]]:
    with serving() as (address, script):
        yield address, script


@pytest.fixture
def complaint(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs a command that fails, and returns its status and its only line."""

    def run(*arguments: str) -> tuple[int, str]:
        status = cli.main(arguments)
        shown = capsys.readouterr()
        (line,) = shown.err.splitlines()
        assert shown.out == ""
        return status, line

    return run


@pytest.mark.parametrize(("arguments", "start"), COMMANDS)
def test_every_command_uses_a_server(
    server: tuple[str, Script],
    arguments: tuple[str, ...],
    start: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main([*arguments, "--server", server[0], "--set", NAME, "--version", "3"]) == 0
    shown = capsys.readouterr()
    assert start in (line[: len(start)] for line in shown.out.splitlines())
    assert shown.err == ""
    [asked] = server[1].requests
    assert (asked.spec.name, asked.spec.version.value) == (MODEL, 3)


def test_neither_tensorflow_nor_tfx_is_loaded_for_a_server(server: tuple[str, Script]) -> None:
    program = (
        "import json, sys; from pipeline.cli import main\n"
        "statuses = [main(each) for each in json.loads(sys.argv[1])]\n"
        "heavy = {'tensorflow', 'tensorflow_serving', 'tfx', 'apache_beam', 'keras'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or max(statuses))"
    )
    calls = [[*arguments, "--server", server[0], "--set", NAME] for arguments, _ in COMMANDS]
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(calls)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(server[1].requests) == len(COMMANDS)


def test_the_page_of_a_servers_model_has_the_languages_of_the_configuration(
    server: tuple[str, Script], tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    arguments = ("--server", server[0], "--set", NAME, "--set", "data.target_language=fr")
    assert cli.main(["heatmap", "the cat", "-o", str(page), *arguments]) == 0
    written = page.read_text(encoding="utf-8")
    assert '<dd lang="en" dir="ltr">the cat</dd>' in written
    assert '<dd lang="fr" dir="ltr">THE CAT</dd>' in written


def test_a_file_is_sent_while_it_is_read(
    server: tuple[str, Script], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address, script = server
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    lines = [f"word {number}" for number in range(64)]

    def write() -> None:
        with open(pipe, "w", encoding="utf-8") as file:
            for place, line in enumerate(lines):
                file.write(line + "\n\n")
                file.flush()
                # A chunk is 16 batches, each of one line here, and half of the lines are blank.
                wait_for(lambda sent=place // 8 * 8: len(script.requests) >= sent)

    options = ("--server", address, "--set", NAME, "--batch-size", "1")
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(write)
        assert cli.main(["translate", "--input", str(pipe), *options]) == 0
        written.result()
    expected = "".join(f"{line.upper()}\n\n" for line in lines)
    assert capsys.readouterr().out == expected


def test_texts_are_sent_in_batches(server: tuple[str, Script]) -> None:
    options = ("--server", server[0], "--set", NAME, "--batch-size", "2")
    assert cli.main(["translate", "a", "b", "c", *options]) == 0
    assert sorted(len(asked.texts) for asked in server[1].requests) == [1, 2]


def test_a_token_is_sent_from_a_file_or_else_from_the_environment(
    server: tuple[str, Script], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, script = server
    file = tmp_path / "token"
    file.write_text("of-a.file\n", encoding="utf-8")
    monkeypatch.setenv("NMT_TOKEN", "of-the.environment")
    for options in ([], ["--token-file", str(file)]):
        assert cli.main(["translate", "a", "--server", address, "--set", NAME, *options]) == 0
    assert [asked.headers["authorization"] for asked in script.requests] == [
        "Bearer of-the.environment",
        "Bearer of-a.file",
    ]


@pytest.mark.parametrize("token", ["", "two words", "caf\u00e9"])
def test_what_cannot_be_a_token_is_refused_and_not_shown(
    complaint: Callable[..., tuple[int, str]], tmp_path: Path, token: str
) -> None:
    file = tmp_path / "token"
    file.write_text(token, encoding="utf-8")
    assert complaint("translate", "a", "--server", "127.0.0.1:1", "--token-file", str(file)) == (
        2,
        f"nmt: '{file}' must hold a bearer token, one word of ASCII, and nothing else.",
    )


@pytest.mark.parametrize("command", ["translate", "align", "heatmap", "score", "diagnose"])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--server", "127.0.0.1:1", "--model", "x"], "--model is for a model of this machine"),
        (["--server", "127.0.0.1:1", "--workspace", "x"], "give it, or --server, not both"),
        (["--tls"], "--tls is for a model server: give --server too"),
        (["--root-certificates", "x"], "--root-certificates is for a model server"),
        (["--token-file", "x"], "--token-file is for a model server"),
        (["--timeout", "3"], "--timeout is for a model server"),
        (["--server", "here"], "'here' is not an address of a gRPC server"),
        (["--server", "127.0.0.1:1", "--root-certificates", "x"], "'x' cannot be read"),
        (["--server", "127.0.0.1:1", "--token-file", "/x"], "give another --token-file"),
        (["--server", "127.0.0.1:1", "--config", "klingon"], "no configuration 'klingon'"),
    ],
)
def test_options_that_cannot_work_are_refused_with_a_remedy(
    complaint: Callable[..., tuple[int, str]], command: str, options: list[str], words: str
) -> None:
    target = TARGET if command == "score" else ()
    status, line = complaint(command, "the cat", *target, *options)
    assert status == 2
    assert words in line


def test_a_server_needs_no_workers(complaint: Callable[..., tuple[int, str]]) -> None:
    assert complaint("translate", "a", "--server", "127.0.0.1:1", "--workers", "2") == (
        2,
        "nmt: --workers is for a model of this machine: give it, or --server, not both.",
    )


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (grpc.StatusCode.INTERNAL, "failed while model 'shouting' answered"),
        (grpc.StatusCode.NOT_FOUND, "does not serve model 'shouting'"),
        (grpc.StatusCode.UNAUTHENTICATED, "cannot identify this client"),
    ],
)
def test_a_failing_server_is_a_sentence_and_leaves_no_half_written_file(
    complaint: Callable[..., tuple[int, str]], tmp_path: Path, code: grpc.StatusCode, words: str
) -> None:
    output = tmp_path / "out"
    with serving(Script(fails_always=code)) as (address, _):
        status, line = complaint(
            "translate", "a", "--server", address, "--set", NAME, "--output", str(output)
        )
    assert status == 1
    assert words in line
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_answer_is_waited_for_no_longer_than_asked(
    complaint: Callable[..., tuple[int, str]], server: tuple[str, Script]
) -> None:
    address, script = server
    script.on_predict = lambda asked, context: wait_for(lambda: not context.is_active())
    status, line = complaint("score", "a", *TARGET, "--server", address, "--timeout", "0.2")
    assert status == 1
    assert "did not answer within 0.2 seconds" in line


def test_a_server_is_asked_through_tls(tmp_path: Path) -> None:
    certificates = make_certificates()
    authority = tmp_path / "authority.pem"
    authority.write_bytes(certificates.authority)
    with serving(credentials=credentials(certificates)) as (address, _):
        server = ["--server", address.replace("127.0.0.1", "localhost"), "--timeout", "1"]
        for options, status in ((["--root-certificates", str(authority)], 0), (["--tls"], 1)):
            done = subprocess.run(
                [sys.executable, "-m", "pipeline", "translate", "a", *server, *options],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            # gRPC's own log of the failed handshake is not shown.
            assert (done.returncode, len(done.stderr.splitlines())) == (status, status)


@pytest.mark.long
def test_a_server_gives_what_the_same_model_gives_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from serving.server.loading import load_model
    from tests.trainer.tiny_export import export_tiny_model

    # Loading takes seconds, and once is enough.
    monkeypatch.setattr(chosen_model, "LocalModel", functools.cache(chosen_model.LocalModel))
    models = tmp_path / "models"
    models.mkdir()
    folder = export_tiny_model(tmp_path).rename(models / "1")
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("The cat sees the mat.\n\nThe dog\n" + "mat " * 40 + "\n", encoding="utf-8")
    target.write_text("Die Katze\n\nDer Hund\nMatte\n", encoding="utf-8")
    texts = ("--input", str(source))
    pairs = (*texts, "--target-input", str(target))
    calls = [
        ("translate", *texts, "--json", "--n-best"),
        ("translate", *texts, "--attention"),
        ("translate", *texts, "--n-best"),
        ("align", *texts, "--soft", "--json"),
        ("align", *pairs),
        ("score", *pairs, "--json"),
        ("score", *pairs, "--tokens"),
        ("diagnose", *texts, "--json"),
        ("diagnose", *pairs),
        ("heatmap", "The cat sees"),
        ("heatmap", "The cat sees", *TARGET, "--tokens"),
    ]
    with running_server(settings_for(models), load_model) as server:
        for call in calls:
            shown = []
            for model in ("--model", str(folder)), ("--server", f"127.0.0.1:{server.port}"):
                status = cli.main([*call, *model])
                shown.append(capsys.readouterr())
                # The last line is too long, and the tiny model seldom ends a translation.
                assert status == int("was cut at the model's limit" in shown[-1].err)
            assert shown[0].out
            assert shown[0] == shown[1]
