"""Reads the pages of the documentation: headings, links, fenced blocks and their commands."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OWN_PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
"""Pages with all fenced blocks checked or marked."""
PAGES = [
    *OWN_PAGES,
    ROOT / "CHANGELOG.md",
    ROOT / "serving/README.md",
    *sorted((ROOT / "kubeflow").rglob("README.md")),
    ROOT / "benchmarks/RESULTS.md",
]
_FENCE = re.compile(r"^( *)```(\w*)$")
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_NOT_RUN = re.compile(r"^<!-- not run: \S.* -->$")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
      page: the file, relative to the root.
      line: number of its first line.
      language: the name after the fence, or "".
      text: the text without the fence and a list's indent.
      not_run: whether the line above the block gives a reason why no test runs it.
    """

    page: str
    line: int
    language: str
    text: str
    not_run: bool

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    def commands(self) -> Iterator[list[str]]:
        """Yields the words of each command, without the commands' output."""
        if self.language not in ("", "sh"):
            return
        for line in self.text.replace("\\\n", " ").splitlines():
            is_prompt = line.startswith("$ ")
            if self.language == "" and not is_prompt:
                continue
            lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="&|;<>")
            lexer.whitespace_split = True
            command: list[str] = []
            for word in [*lexer, "&&"]:
                if not set(word) <= set("&|;"):
                    command.append(word)
                    continue
                # The rest is the file of a redirection.
                words = command[: next((i for i, w in enumerate(command) if w in "<>>"), None)]
                if words:
                    yield words
                command = []


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    """Returns all fenced blocks of a page."""
    lines = page.read_text(encoding="utf-8").splitlines()
    at = 0
    while at < len(lines):
        opening = _FENCE.match(lines[at])
        if not opening:
            at += 1
            continue
        indent, language = opening.groups()
        end = lines.index(f"{indent}```", at + 1)
        text = "\n".join(line.removeprefix(indent) for line in lines[at + 1 : end])
        not_run = at > 0 and _NOT_RUN.match(lines[at - 1].strip()) is not None
        yield Block(name(page), at + 2, language, text, not_run)
        at = end + 1


def prose(page: Path) -> str:
    """Returns a page without its fenced blocks."""
    return re.sub(
        r"^( *)```.*?^\1```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )


def links(page: Path) -> list[str]:
    """Returns the relative targets of a page's links and pictures."""
    return [link for link in _LINK.findall(prose(page)) if not re.match(r"\w+:", link)]


def anchors(page: Path) -> set[str]:
    """Returns the anchors of a page's headings, as made by GitHub."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def code_spans(page: Path) -> list[str]:
    """Returns the texts between backticks on a page."""
    return re.findall(r"`([^`\n]+)`", prose(page))
