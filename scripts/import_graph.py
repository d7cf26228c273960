"""Reads the imports between our packages from their import statements."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BELOW: dict[str, set[str]] = {
    "text": set(),
    "serving": {"text"},
    "trainer": {"serving", "text"},
    "components": {"trainer", "serving", "text"},
    "pipeline": {"components", "trainer", "serving", "text"},
    "benchmarks": {"pipeline", "components", "trainer", "serving", "text"},
}
"""Allowed imports between our packages: each package, and those it may import."""


def modules(folder: str, root: Path = ROOT) -> list[Path]:
    """Returns all modules of a folder, sorted by path."""
    return sorted((root / folder).rglob("*.py"))


def imports(path: Path, *, for_types: bool = True, later: bool = True) -> Iterator[str]:
    """Yields the names imported by a module.

    Args:
      path: the module.
      for_types: whether to include imports only for type checkers.
      later: whether to include imports in functions, not executed while the module is loaded.
    """
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    for node in waiting:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and not for_types:
            waiting += node.orelse
        elif later or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += ast.iter_child_nodes(node)


def subpackage(parts: Iterable[str]) -> str | None:
    """Returns the module or subpackage of a dotted name; None for the package itself."""
    _, *rest = parts
    return rest[0] if rest else None


def subpackages(package: str, root: Path = ROOT) -> dict[str, set[str]]:
    """Returns the modules and subpackages of a package, each with its imports of the others."""
    found: dict[str, set[str]] = {}
    for path in modules(package, root):
        here = subpackage(path.relative_to(root).with_suffix("").parts)
        targets = (name.split(".") for name in imports(path, for_types=False))
        there = {subpackage(parts) for parts in targets if parts[0] == package}
        found.setdefault(str(here), set()).update(str(name) for name in there - {here, None})
    return found


def imports_package(package: str, target: str, root: Path = ROOT) -> bool:
    """Returns whether a package imports another package."""
    return any(
        any(name.partition(".")[0] == target for name in imports(path))
        for path in modules(package, root)
    )
