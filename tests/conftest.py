"""`--fast`: only the tests of modules that load neither TFX nor TensorFlow nor Beam."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = {"benchmarks", "components", "pipeline", "scripts", "serving", "tests", "text", "trainer"}
HEAVY = {
    "apache_beam", "keras", "tensorflow", "tensorflow_model_analysis", "tensorflow_transform",
    "tensorflow_serving", "tfx", "tfx_bsl",
}  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help=(__doc__ or "").partition(": ")[2])


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    is_module = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    return (
        True if config.getoption("--fast") and is_module and loads_heavy(collection_path) else None
    )


@functools.cache
def loads_heavy(path: Path) -> bool:
    """Whether importing a module of ours loads a heavy package, itself or through others of ours.

    Where modules import each other in a circle, the first answer counts, as in Python.
    """
    loading.append(path)
    try:
        return any(
            name.partition(".")[0] in HEAVY
            or any(loads_heavy(file) for file in files_of(name) if file not in loading)
            for name in imported_names(path)
        )
    finally:
        loading.pop()


loading: list[Path] = []


def imported_names(path: Path) -> Iterator[str]:
    """What a module imports while it is loaded: not in functions, and not for type checkers."""
    waiting: list[ast.stmt] = list(ast.parse(path.read_text(encoding="utf-8")).body)
    for node in waiting:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ClassDef | ast.With):
            waiting += node.body
        elif isinstance(node, ast.Try):
            waiting += [*node.body, *node.orelse, *node.finalbody]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.dump(node.test):
            waiting += [*node.body, *node.orelse]


def files_of(name: str) -> Iterator[Path]:
    """The files that are loaded for a name of ours: packages on the way, and the module."""
    parts = name.split(".")
    if parts[0] in OURS:
        for depth in range(1, len(parts) + 1):
            place = ROOT.joinpath(*parts[:depth])
            for file in (place / "__init__.py", place.with_name(f"{place.name}.py")):
                if file.is_file():
                    yield file
