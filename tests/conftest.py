"""The option `--fast`: runs only tests of modules that do not load TFX, TensorFlow or Beam.

Property tests get `NMT_TEST_EXAMPLES` made-up values each, the same ones in each run.
"""

import functools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from scripts.import_graph import ROOT, imports

OURS = {"benchmarks", "components", "pipeline", "scripts", "serving", "tests", "text", "trainer"}
HEAVY = {
    "apache_beam", "keras", "tensorflow", "tensorflow_model_analysis", "tensorflow_transform",
    "tensorflow_serving", "tfx", "tfx_bsl",
}  # fmt: skip

settings.register_profile(
    "repeatable",
    max_examples=int(os.environ.get("NMT_TEST_EXAMPLES", "25")),
    derandomize=True,
    database=None,
    deadline=None,
)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast", action="store_true", help=(__doc__ or "").partition(": ")[2].partition("\n")[0]
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    is_module = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    return (
        True if config.getoption("--fast") and is_module and loads_heavy(collection_path) else None
    )


loading: list[Path] = []
"""The modules on the path of imports to the current one."""


@functools.cache
def loads_heavy(path: Path) -> bool:
    """Returns whether importing a module of ours loads a heavy package, directly or indirectly.

    If modules import each other in a circle, the first answer counts, as in Python.
    """
    loading.append(path)
    try:
        return any(
            name.partition(".")[0] in HEAVY
            or any(loads_heavy(file) for file in files_of(name) if file not in loading)
            for name in imports(path, for_types=False, later=False)
        )
    finally:
        loading.pop()


def files_of(name: str) -> Iterator[Path]:
    """Returns the files loaded for a dotted name: the packages on the way and the module."""
    parts = name.split(".")
    if parts[0] in OURS:
        for depth in range(1, len(parts) + 1):
            place = ROOT.joinpath(*parts[:depth])
            for file in (place / "__init__.py", place.with_name(f"{place.name}.py")):
                if file.is_file():
                    yield file
