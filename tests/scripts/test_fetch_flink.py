"""The files fetched for `make test-flink`, with a stand-in for Maven that makes empty files."""

import os
from pathlib import Path

import pytest

from scripts import fetch_flink

# Writes the requested files, except those of artifacts named as missing.
MAVEN = """#!/bin/sh
echo "$*" >>"$LOG"
case "$*" in *"$LACKS"*) echo "[ERROR] Could not find artifact"; exit 1 ;; esac
for argument; do
    case $argument in
    -DoutputDirectory=*) folder=${argument#*=} ;;
    -Dartifact=*) name=${argument#*=} ;;
    esac
done
mkdir -p "$folder"
if [ -n "${name:-}" ]; then
    echo >"$folder/$(echo "$name" | cut -d : -f 2,3 | tr : -).jar"
else
    echo >"$folder/beam-runners-flink-1.19-2.62.0.jar"
    echo >"$folder/flink-runtime-1.20.5.jar"
fi
"""


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replaces Maven and Java by stand-ins; returns the log of Maven's arguments."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("mvn", MAVEN), ("java", "#!/bin/sh\n")):
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.setenv("LACKS", "!")
    monkeypatch.setattr(fetch_flink, "TARGET", tmp_path / "flink")
    return tmp_path / "log"


def origin() -> str:
    return (fetch_flink.TARGET / "origin.txt").read_text(encoding="utf-8")


def test_the_job_server_is_that_of_the_installed_beam(maven: Path) -> None:
    assert fetch_flink.main() == 0
    from importlib import metadata

    assert origin().strip().endswith(f"-job-server:{metadata.version('apache-beam')}")
    assert len(list((fetch_flink.TARGET / "lib").iterdir())) == 1
    assert len(list((fetch_flink.TARGET / "crds").iterdir())) == 1


def test_a_registry_without_it_gives_its_parts(
    maven: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LACKS", "job-server")
    assert fetch_flink.main() == 0
    assert origin() == "Beam's runner 2.62.0 for Flink 1.19, from its parts, on Flink 1.20.5\n"


def test_nothing_is_fetched_twice(maven: Path) -> None:
    assert fetch_flink.main() == 0
    asked = maven.read_text(encoding="utf-8")
    assert fetch_flink.main() == 0
    assert maven.read_text(encoding="utf-8") == asked


def test_another_version_is_fetched_in_the_place_of_the_old_one(
    maven: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetch_flink.main() == 0
    monkeypatch.setattr(fetch_flink, "FLINK_VERSION", "1.21")
    assert fetch_flink.main() == 0
    [jar] = (fetch_flink.TARGET / "lib").iterdir()
    assert jar.name.startswith("beam-runners-flink-1.21-job-server-")


def test_a_failure_is_told_and_leaves_nothing_that_looks_whole(
    maven: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LACKS", "maven-dependency-plugin")
    assert fetch_flink.main() == 1
    assert "Could not find artifact" in capsys.readouterr().err
    assert not (fetch_flink.TARGET / "origin.txt").exists()


def test_a_missing_program_is_named(
    maven: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (maven.parent / "bin" / "mvn").unlink()
    monkeypatch.setenv("PATH", str(maven.parent / "bin"))
    assert fetch_flink.main() == 1
    assert "mvn missing: install Maven" in capsys.readouterr().err
