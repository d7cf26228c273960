"""Reads who imports whom from the import statements of our packages."""

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
"""Which of our packages each package may import."""


def modules(folder: str, root: Path = ROOT) -> list[Path]:
    """All modules of a folder, in order."""
    return sorted((root / folder).rglob("*.py"))


def imports(path: Path, *, for_types: bool = True, later: bool = True) -> Iterator[str]:
    """The modules that a module imports.

    Args:
      path: the module.
      for_types: whether those for type checkers alone count.
      later: whether those in functions count, which are not imported while the module is loaded.
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
    """The module or subpackage to which a dotted name belongs; None for the package itself."""
    _, *rest = parts
    return rest[0] if rest else None


def subpackages(package: str, root: Path = ROOT) -> dict[str, set[str]]:
    """The modules and subpackages of a package, and which others of them each imports."""
    found: dict[str, set[str]] = {}
    for path in modules(package, root):
        here = subpackage(path.relative_to(root).with_suffix("").parts)
        targets = (name.split(".") for name in imports(path, for_types=False))
        there = {subpackage(parts) for parts in targets if parts[0] == package}
        found.setdefault(str(here), set()).update(str(name) for name in there - {here, None})
    return found


def imports_package(package: str, target: str, root: Path = ROOT) -> bool:
    """Whether a package imports another package."""
    return any(
        any(name.partition(".")[0] == target for name in imports(path))
        for path in modules(package, root)
    )
