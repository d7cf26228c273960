#!/usr/bin/env python3
"""Fetches the files for `make test-flink` from Maven Central into .tools/flink.

    lib/          Flink and Beam's job server for it
    crds/         the Flink Kubernetes operator's definitions of its objects, as jars
    origin.txt    the origin of the job server

The job server is one jar in the installed version of Beam, the jar Beam itself would fetch. If a
registry lacks this jar, the parts listed in flink/pom.xml are fetched instead. Files already
present in the right versions are kept.
"""

import hashlib
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from pipeline.config.beam import FLINK_VERSION

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / ".tools" / "flink"
POM = ROOT / "scripts" / "flink" / "pom.xml"
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
_OPERATOR = "org.apache.flink:flink-kubernetes-operator-api:1.10.0"
_LAST_LINES = 15


def main() -> int:
    """Fetches all files; returns the exit status: 0, or 1 with the reason on standard error."""
    missing = [name for name in ("mvn", "java") if shutil.which(name) is None]
    if missing:
        print(
            f"fetch_flink: {' and '.join(missing)} missing: install Maven and Java 11 or newer "
            "(apt-get install maven openjdk-17-jre-headless)",
            file=sys.stderr,
        )
        return 1
    job_server = (
        f"org.apache.beam:beam-runners-flink-{FLINK_VERSION}-job-server:"
        f"{metadata.version('apache-beam')}"
    )
    wanted = f"{job_server}\n{hashlib.sha256(POM.read_bytes()).hexdigest()}\n{_OPERATOR}\n"
    if _read(TARGET / "wanted.txt") == wanted:
        return 0
    shutil.rmtree(TARGET, ignore_errors=True)
    try:
        origin = _fetch_job_server(job_server, TARGET / "lib")
        _maven("copy", f"-Dartifact={_OPERATOR}", f"-DoutputDirectory={TARGET / 'crds'}")
    except MavenError as error:
        print(f"fetch_flink: Maven failed:\n{error}", file=sys.stderr)
        return 1
    (TARGET / "origin.txt").write_text(f"{origin}\n", encoding="utf-8")
    (TARGET / "wanted.txt").write_text(wanted, encoding="utf-8")
    print(f"fetch_flink: {origin}")
    return 0


class MavenError(Exception):
    """Maven failed; the text holds the last lines of its output."""


def _fetch_job_server(artifact: str, folder: Path) -> str:
    """Fetches the job server's jars into a folder; returns their description."""
    try:
        _maven("copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}")
        return artifact
    except MavenError:
        print(f"fetch_flink: {artifact} cannot be fetched: fetching its parts instead")
    _maven(
        "copy-dependencies", f"-DoutputDirectory={folder}", "-DincludeScope=runtime", "-f", str(POM)
    )
    versions = "Beam's runner {} for Flink {}, from its parts, on Flink {}"
    return versions.format(
        _version(folder, "beam-runners-flink-1.19"), "1.19", _version(folder, "flink-runtime")
    )


def _maven(goal: str, *arguments: str) -> None:
    """Runs a goal of Maven's dependency plugin.

    Raises:
      MavenError: Maven failed.
    """
    command = ["mvn", "--batch-mode", "--quiet", f"{_PLUGIN}:{goal}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=POM.parent, check=False)
    if done.returncode != 0:
        raise MavenError("\n".join((done.stdout + done.stderr).splitlines()[-_LAST_LINES:]))


def _version(folder: Path, artifact: str) -> str:
    [jar] = folder.glob(f"{artifact}-[0-9]*.jar")
    return jar.stem.removeprefix(f"{artifact}-")


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
