"""README and docs: links are not broken, files and commands exist, every block is checked."""

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
import typer

from pipeline.cli import build
from pipeline.commands.lazy import LazyCommand
from pipeline.config.settings import load_config
from tests.documentation import (
    OWN_PAGES,
    PAGES,
    ROOT,
    Block,
    anchors,
    blocks,
    code_spans,
    links,
    name,
)

every_page = pytest.mark.parametrize("page", PAGES, ids=name)
BLOCKS = [block for page in PAGES for block in blocks(page)]
OWN_BLOCKS = [block for page in OWN_PAGES for block in blocks(page)]
MAKE_TARGETS = set(
    re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
)
RUN_BY_ANOTHER_TEST = {
    # (page, language): the test for all blocks of this language on the page
    ("README.md", "python"): "tests/serving/server/test_readme.py",
    ("docs/serving.md", "python"): "tests/serving/server/test_readme.py",
    ("docs/contributing.md", "python"): "tests/test_contributing.py",
}
CHECKED_PROGRAMS = {"nmt", "make", "python", "curl", "grpcurl"}
"""tests/serving/server/test_readme.py runs curl and grpcurl."""
NEW_FILES = {
    "cosine_attention.py",
    "jsonl.py",
    "shouting.py",
    "proverbs.py",
    "proverbs.yaml",
    "languages.py",
}
"""Examples of docs/contributing.md."""
FILE = re.compile(r"(?:[\w.-]+/)*[\w-]+\.(?:py|yaml|sh|md|ipynb|lock|toml|svg|png)")
MADE_BY_RUNS = {"assets.extra/MODEL_CARD.md"}
OWN_FOLDERS = {
    path.name
    for path in ROOT.iterdir()
    if path.is_dir() and path.name not in ("build", "workspace") and path.name[0] != "."
}


@cache
def tree() -> frozenset[str]:
    """Returns the names of all files in the folders of the project."""
    inside = (path for folder in OWN_FOLDERS for path in (ROOT / folder).rglob("*.*"))
    return frozenset(path.name for path in (*ROOT.iterdir(), *inside))


def is_there(written: str, page: Path) -> bool:
    """Returns whether a path exists, relative to the root or to the page, or as a bare name."""
    if "/" not in written:
        return written in tree()
    return (ROOT / written).exists() or (page.parent / written).exists()


def real_command(words: list[str]) -> tuple[typer.core.TyperCommand, list[str]]:
    """Returns the command of `nmt` named by words, and its arguments."""
    command: typer.core.TyperCommand = build()
    rest = list(words)
    while isinstance(command, typer.core.TyperGroup) and rest:
        assert rest[0] in command.commands, f"there is no command {rest[0]}"
        command = command.commands[rest.pop(0)]
        if isinstance(command, LazyCommand):
            command = command.load()
    return command, rest


def complaint(words: list[str]) -> str | None:
    """Returns the problem with a command; None if it is right."""
    program, *rest = words
    program = program.removeprefix(".venv/bin/")
    try:
        if program == "nmt":
            command, arguments = real_command(rest)
            values, _, _ = command.make_parser(typer.Context(command)).parse_args(arguments)
            if values.get("overrides"):
                load_config("debian", values["overrides"])
        elif program == "make":
            targets = {each for each in rest if "=" not in each}
            assert targets <= MAKE_TARGETS, f"there is no target {targets - MAKE_TARGETS}"
        elif program == "python" and rest[0] == "-m":
            assert (ROOT / f"{rest[1].replace('.', '/')}.py").is_file(), f"no module {rest[1]}"
    except Exception as error:
        return f"{' '.join(words)}: {error}"
    return None


def is_covered(block: Block) -> bool:
    """Returns whether a test runs or checks a block, or the page gives a reason why not."""
    if block.not_run:
        return True
    if block.language == "text":
        return not re.search(r"^(\$|nmt|make|python) ", block.text, re.MULTILINE)
    if block.language in ("", "sh"):
        programs = {words[0].removeprefix(".venv/bin/") for words in block.commands()}
        return bool(programs) and programs <= CHECKED_PROGRAMS
    return (block.page, block.language) in RUN_BY_ANOTHER_TEST


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    wrong = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert not wrong


@every_page
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = [span for span in code_spans(page) if FILE.fullmatch(span)]
    named += [
        span
        for span in code_spans(page)
        if re.fullmatch(r"[\w./-]+/", span) and span.partition("/")[0] in OWN_FOLDERS
    ]
    own = {span for span in named if span not in MADE_BY_RUNS and span not in NEW_FILES}
    assert not {span for span in own if not is_there(span, page)}


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_command_of_a_block_exists_with_its_options(block: Block) -> None:
    wrong = [wrong for words in block.commands() if (wrong := complaint(words))]
    # A block may show the message of `nmt` for a wrong command.
    shown = re.findall(r"^nmt: (.*)$", block.text, re.MULTILINE)
    assert [each.partition(": ")[2] for each in wrong] == shown


@every_page
def test_every_command_within_the_text_exists_with_its_options(page: Path) -> None:
    wrong = []
    for span in code_spans(page):
        words = span.replace("[", " ").replace("]", " ").split()
        if words[:1] != ["nmt"] or len(words) < 2 or not re.fullmatch("[a-z]+", words[1]):
            continue
        command, rest = real_command([word for word in words[1:] if word != "COMMAND"])
        options = {option for each in command.params for option in each.opts} | {"--help"}
        wrong += [
            (span, word) for word in rest if re.match("--?[a-z]", word) and word not in options
        ]
    assert not wrong


@pytest.mark.parametrize("block", OWN_BLOCKS, ids=str)
def test_every_block_is_checked_or_says_why_not(block: Block) -> None:
    assert is_covered(block), f"{block}: let a test run it, or put `<!-- not run: reason -->` above"


def test_every_test_that_is_named_as_running_blocks_exists() -> None:
    assert not [test for test in RUN_BY_ANOTHER_TEST.values() if not (ROOT / test).is_file()]


def test_the_page_of_commands_names_every_command_and_target() -> None:
    spans = code_spans(ROOT / "docs/commands.md")
    assert set(build().commands) <= {span.split()[1] for span in spans if span.startswith("nmt ")}
    assert MAKE_TARGETS - {"help"} <= {
        span.split()[1] for span in spans if span.startswith("make ")
    }


def test_the_readme_has_two_screens() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 170


def test_the_site_has_every_page_in_its_navigation() -> None:
    site = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    flat = [entry for section in site["nav"] for entry in entries(section)]
    assert sorted(flat) == sorted(name(page) for page in PAGES if name(page) != "serving/README.md")


def entries(section: dict[str, object]) -> list[str]:
    """Returns the pages of a section of the navigation."""
    [content] = section.values()
    if isinstance(content, str):
        return [content]
    assert isinstance(content, list)
    return [page for entry in content for page in entries(entry)]


def test_a_wrong_command_is_found() -> None:
    assert complaint(["nmt", "fly"])
    assert complaint(["nmt", "run", "--no-such-option"])
    assert complaint(["nmt", "run", "--set", "training.epoch=3"])
    assert complaint(["make", "coffee"])
    assert not complaint(["nmt", "run", "--set", "training.epochs=3"])
