"""Digests of the origin of a model: our code, the lock file and the configuration.

They are parameters of the components, so a changed source reruns exactly the nodes using it. They
are also recorded on the Model artifact.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel

_ROOT = Path(__file__).resolve().parent.parent
_OUR_PACKAGES = ("components", "pipeline", "serving", "text", "trainer")
_TEMPLATES = ("*.html", "*.css")
UNKNOWN = "unknown"


def code_digest(*names: str) -> str:
    """Computes the SHA-256 of our modules, our modules imported by them, and their templates.

    Args:
        names: dotted names of modules or packages; a package stands for all of its modules. Order
            and repetitions do not matter.

    Returns:
        64 hexadecimal digits; equal if all relative names and all bytes are equal.

    Raises:
        LookupError: a module or package does not exist.
        ValueError: no name is given.
    """
    if not names:
        raise ValueError("code_digest needs the name of at least one module.")
    digest = hashlib.sha256()
    for name, content in sorted(_with_imports(names).items()):
        # With the lengths, different names and contents cannot give the same bytes.
        digest.update(f"{len(name)}:{name}{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()


def lock_digest() -> str:
    """Returns the SHA-256 of `requirements.lock`, or `unknown` in a wheel, which lacks the file."""
    return _digest_of_lock(_ROOT)


def config_digest(config: BaseModel) -> str:
    """Returns the SHA-256 of a configuration or a section; equal if all values are equal."""
    values = config.model_dump(mode="json", by_alias=True)
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _with_imports(names: Iterable[str]) -> dict[str, bytes]:
    """Reads modules, their imports at any depth and any place in the code, and the templates.

    Returns:
        The content of each file, by its path from the root.
    """
    waiting: set[Path] = set()
    for name in names:
        folder = _ROOT.joinpath(*name.split("."))
        files = {*folder.rglob("*.py"), *_files_of(name)}
        if not files:
            raise LookupError(f"There is no module or package {name} in {_ROOT}.")
        waiting |= files
    contents: dict[str, bytes] = {}
    while waiting:
        file = waiting.pop()
        content = _read(file)
        contents[file.relative_to(_ROOT).as_posix()] = content
        if file.suffix != ".py":
            continue
        waiting |= {beside for kind in _TEMPLATES for beside in file.parent.glob(kind)}
        waiting |= {
            imported
            for name in _imported_names(content, file)
            for imported in _files_of(name)
            if imported.relative_to(_ROOT).as_posix() not in contents
        }
    return contents


def _files_of(name: str) -> Iterator[Path]:
    """Yields the file of a module or package, and those of the packages around it."""
    parts = name.split(".")
    if parts[0] not in _OUR_PACKAGES:
        return
    for depth in range(1, len(parts) + 1):
        place = _ROOT.joinpath(*parts[:depth])
        for file in (place / "__init__.py", place.with_name(f"{place.name}.py")):
            if file.is_file():
                yield file


def _imported_names(source: bytes, file: Path) -> Iterator[str]:
    """Yields the dotted names imported by a source, of modules or of objects in modules.

    Imports for type checkers only are left out, because they never run.
    """
    waiting: list[ast.AST] = [ast.parse(source, file)]
    for node in waiting:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = file.relative_to(_ROOT).parts[: -node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _read(file: Path) -> bytes:
    return file.read_bytes()


def _digest_of_lock(root: Path) -> str:
    lock = root / "requirements.lock"
    return hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else UNKNOWN
