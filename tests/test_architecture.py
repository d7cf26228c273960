"""Checks imports: between packages in one direction only, between subpackages without circles."""

import graphlib
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import pytest

from scripts.import_graph import BELOW, ROOT, imports, modules, subpackages

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CLIENT = PROJECT["dependencies"]
SERVE = CLIENT + PROJECT["optional-dependencies"]["serve"]


def files_of(name: str) -> Iterator[Path]:
    """Returns the files loaded for a dotted name: the packages on the way and the module."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        place = ROOT.joinpath(*parts[:depth])
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if file.is_file():
                yield file


def closure(paths: Iterable[Path]) -> list[Path]:
    """Returns modules and all modules of ours they import, directly or indirectly."""
    waiting = list(paths)
    for path in waiting:
        ours = (name for name in imports(path) if name.partition(".")[0] in BELOW)
        waiting += [file for name in ours for file in files_of(name) if file not in waiting]
    return waiting


def undeclared(paths: Iterable[Path], requirements: list[str]) -> set[str]:
    """Returns the third-party packages imported by modules but missing in the requirements."""
    declared = {normal(re.split(r"[^\w.-]", line)[0]) for line in requirements}
    distributions = metadata.packages_distributions()
    names = {name.partition(".")[0] for path in paths for name in imports(path)}
    return {
        name
        for name in names - BELOW.keys() - sys.stdlib_module_names
        if not declared & set(map(normal, distributions.get(name, ())))
    }


def normal(name: str) -> str:
    """Returns a distribution's name, normalised as in the package index."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("package", BELOW)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    upward = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules(package)
        for name in imports(path)
        if name.partition(".")[0] in BELOW.keys() - BELOW[package] - {package}
    }
    assert not upward


@pytest.mark.parametrize("package", BELOW)
def test_the_rooms_of_a_package_import_each_other_without_a_circle(package: str) -> None:
    graphlib.TopologicalSorter(subpackages(package)).prepare()


def test_a_circle_is_found(tmp_path: Path) -> None:
    (tmp_path / "serving" / "client").mkdir(parents=True)
    client, batching = tmp_path / "serving/client/calls.py", tmp_path / "serving/batching.py"
    client.write_text("def call():\n    import serving.batching\n", encoding="utf-8")
    batching.write_text("from serving.client.calls import call\n", encoding="utf-8")
    assert subpackages("serving", tmp_path) == {"client": {"batching"}, "batching": {"client"}}
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(subpackages("serving", tmp_path)).prepare()


def test_the_client_imports_only_what_its_own_dependencies_bring() -> None:
    assert not undeclared(closure(modules("serving/client")), CLIENT)


def test_serving_imports_only_what_its_extra_brings() -> None:
    # SERVE contains neither TFX nor Beam.
    assert not undeclared(closure(modules("serving")), SERVE)


def test_a_package_that_an_extra_lacks_is_found() -> None:
    assert "tensorflow" in undeclared(closure(modules("serving")), CLIENT)
    assert {"apache_beam", "tfx"} <= undeclared(modules("components"), SERVE)
