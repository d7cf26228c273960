#!/usr/bin/env python3
"""Compiles the output of `nmt compile` with Kubeflow's own compiler and prints the Argo workflow.

    python scripts/compile_to_argo.py pipeline.yaml

The compiler is a Go program of Kubeflow Pipelines, in the version of the locked `kfp`. It is built
from the Go module proxy into .tools/argo. The exit status is 0, 1 if the compiler rejects the
pipeline, or 3 if the compiler could not be built, with the reason on standard error.
"""

import json
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / ".tools" / "argo"
MODULE = "github.com/kubeflow/pipelines"
# The repository holds these as separate modules. Its go.mod refers to them by folder, which works
# only inside the repository.
_PARTS = (MODULE, f"{MODULE}/api", f"{MODULE}/kubernetes_platform")
_PROGRAM = f"{MODULE}/backend/src/v2/cmd/compiler"
_LAST_LINES = 15
REJECTED, NO_COMPILER = 1, 3


class CommandFailedError(Exception):
    """A command ended with an error; the text holds the end of its output."""


def main(arguments: list[str]) -> int:
    """Compiles and prints a pipeline; returns the exit status."""
    [pipeline] = arguments
    try:
        compiler = _compiler(metadata.version("kfp"))
    except (CommandFailedError, FileNotFoundError) as error:
        print(f"compile_to_argo: no compiler: {error}", file=sys.stderr)
        return NO_COMPILER
    specification = TARGET / "pipeline.json"
    # The program reads one document, so the second, for the platform, is left out.
    documents = yaml.safe_load_all(Path(pipeline).read_text(encoding="utf-8"))
    specification.write_text(json.dumps(next(iter(documents))), encoding="utf-8")
    try:
        print(_run(str(compiler), "-spec", str(specification)), end="")
    except CommandFailedError as error:
        print(f"compile_to_argo: Kubeflow's compiler rejects {pipeline}: {error}", file=sys.stderr)
        return REJECTED
    return 0


def _compiler(version: str) -> Path:
    """Returns the compiler, and builds it first if it is missing."""
    program = TARGET / f"compiler-{version}"
    if program.exists():
        return program
    if shutil.which("go") is None:
        raise FileNotFoundError("Go is not installed")
    module = TARGET / "module"
    shutil.rmtree(module, ignore_errors=True)
    module.mkdir(parents=True)
    _run("go", "mod", "init", "argo", folder=module)
    _run("go", "get", *(f"{part}@{version}" for part in _PARTS), folder=module)
    _run("go", "build", "-mod=mod", "-o", str(program), _PROGRAM, folder=module)
    return program


def _run(*command: str, folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise CommandFailedError("\n".join([" ".join(command[:3]), *lines[-_LAST_LINES:]]))
    return done.stdout


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1:]))
