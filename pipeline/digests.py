"""Digests that say what a model was made from: our code, the lock file and the configuration.

They are parameters of the components, so that a changed source reruns exactly the nodes that
depend on it, and they are recorded on the Model artifact.
"""

import hashlib
import json
from pathlib import Path

from pydantic import BaseModel

_ROOT = Path(__file__).resolve().parent.parent
UNKNOWN = "unknown"


def code_digest(*packages: str) -> str:
    """SHA-256 over the Python sources of our own packages, without importing them.

    Args:
        packages: dotted names of packages or modules, such as `trainer` or `trainer.subwords`;
            their order and repetitions do not matter.

    Returns:
        64 hexadecimal digits; equal where every relative name and every byte is equal.

    Raises:
        LookupError: there is no such package beside this one.
        ValueError: no package is named.
    """
    if not packages:
        raise ValueError("code_digest needs the name of at least one package.")
    return _digest_of_sources(_ROOT, packages)


def lock_digest() -> str:
    """SHA-256 of `requirements.lock`, or `unknown` in an installation from a wheel, without it."""
    return _digest_of_lock(_ROOT)


def config_digest(config: BaseModel) -> str:
    """SHA-256 of a configuration or of one of its sections: equal where every value is equal."""
    values = config.model_dump(mode="json", by_alias=True)
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _digest_of_sources(root: Path, packages: tuple[str, ...]) -> str:
    files: set[Path] = set()
    for package in packages:
        folder = root.joinpath(*package.split("."))
        module = folder.with_name(f"{folder.name}.py")
        if folder.is_dir():
            files.update(folder.rglob("*.py"))
        elif module.is_file():
            files.add(module)
        else:
            raise LookupError(f"There is no package or module {package} in {root}.")
    digest = hashlib.sha256()
    for name, file in sorted((file.relative_to(root).as_posix(), file) for file in files):
        content = file.read_bytes()
        # The lengths keep two sequences of names and contents from spelling the same bytes.
        digest.update(f"{len(name)}:{name}{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()


def _digest_of_lock(root: Path) -> str:
    lock = root / "requirements.lock"
    return hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else UNKNOWN
