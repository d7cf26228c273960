"""Checks dotted names of our modules in strings: lazy commands, entry points, run functions."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Without `text`, also an ordinary variable: `text.split()`.
PACKAGES = ("benchmarks", "components", "pipeline", "serving", "trainer")
# The package, a dot and a word: `components.gate.verdict:Check`, `-m serving.export.check`.
DOTTED = re.compile(rf"(?<![\w./-])(?:{'|'.join(PACKAGES)})(?:\.[A-Za-z_]\w*)+")
FILES = re.compile(rf"(?<![\w./-])(?:{'|'.join(PACKAGES)})(?:/\w+)+\.(?:py|yaml|pbtxt|binpb|txt)\b")
NO_MODULES = {
    "pipeline.yaml",  # output of `nmt compile`
    "trainer.gpus",  # keys of the section `kubeflow`
    "trainer.node_selector",
    "trainer.tolerations",
}


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def strings(path: Path) -> Iterator[str]:
    """Yields all string constants of a module, docstrings included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def names_something(dotted: str) -> bool:
    """Returns whether a module or an attribute of a module has this name."""
    parts = dotted.split(".")
    for depth in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:depth])
        if place.with_suffix(".py").is_file():
            # The part after the module is a name in it.
            return (
                depth == len(parts)
                or re.search(
                    rf"\b{parts[depth]}\b", place.with_suffix(".py").read_text(encoding="utf-8")
                )
                is not None
            )
        if place.is_dir():
            return depth == len(parts)
    return False


def test_every_name_of_a_module_in_a_string_names_one() -> None:
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources()
        for text in strings(path)
        for name in DOTTED.findall(text)
        if name not in NO_MODULES and not names_something(name)
    }
    assert not wrong


def test_every_path_of_a_file_in_a_string_leads_to_one() -> None:
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources()
        for name in FILES.findall("\n".join(strings(path)))
        if not (ROOT / name).is_file()
    }
    assert not wrong


def test_a_name_that_is_put_together_begins_with_a_package() -> None:
    beginnings = {
        text
        for path in sources()
        for text in strings(path)
        if re.fullmatch(rf"(?:{'|'.join(PACKAGES)})\.(?:\w+\.)*", text)
    }
    assert beginnings == {
        "benchmarks.",
        "components.gate.",
        "pipeline.running.",
        "pipeline.translation_files.",
    }
    assert all((ROOT / start.rstrip(".").replace(".", "/")).is_dir() for start in beginnings)


def test_a_forgotten_name_is_found() -> None:
    assert not names_something("pipeline.translate_command")
    assert not names_something("components.gate.verdict.NoSuchName")
    assert names_something("components.gate.verdict.Check")
