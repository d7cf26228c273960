"""Builds the wheel of this project, for the tests of its contents."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("components", "pipeline", "serving", "text", "trainer")
FILES = ("pyproject.toml", "README.md", "LICENSE")
BUILD_WHEEL = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a program without access to this environment or checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def build_wheel(folder: Path) -> Path:
    """Builds the wheel from a copy of the sources, since setuptools writes files beside them."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    built = run(sys.executable, "-c", BUILD_WHEEL, folder / "dist", folder=folder)
    assert built.returncode == 0, built.stderr
    [wheel] = (folder / "dist").iterdir()
    return wheel
