"""Kubeflow's own compiler, if it can be built, accepts the output of ours."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipeline.config.settings import load_config
from pipeline.kubeflow.compiler import as_yaml, compile_pipeline
from scripts import compile_to_argo

SCRIPT = Path(compile_to_argo.__file__)


@pytest.fixture
def pipeline(tmp_path):
    file = tmp_path / "pipeline.yaml"
    file.write_text(as_yaml(compile_pipeline(load_config("debian"), "abc")), encoding="utf-8")
    return file


def test_kubeflows_compiler_makes_an_argo_workflow_of_the_pipeline(pipeline):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(pipeline)],
        capture_output=True, text=True, timeout=1200, check=False,
    )  # fmt: skip
    if done.returncode == compile_to_argo.NO_COMPILER:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load(done.stdout)["kind"] == "Workflow"


def test_without_go_it_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(compile_to_argo, "TARGET", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compile_to_argo.main(["pipeline.yaml"]) == compile_to_argo.NO_COMPILER
    assert "Go is not installed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("program", "status", "said"),
    [
        ('cat "$2"', 0, ""),
        ("echo a node is unknown >&2; exit 1", compile_to_argo.REJECTED, "a node is unknown"),
    ],
)
def test_what_the_compiler_says_is_the_answer(
    pipeline, tmp_path, monkeypatch, capsys, program, status, said
):
    monkeypatch.setattr(compile_to_argo, "TARGET", tmp_path)
    version = compile_to_argo.metadata.version("kfp")
    compiler = tmp_path / f"compiler-{version}"
    compiler.write_text(f"#!/bin/sh\n{program}\n", encoding="utf-8")
    compiler.chmod(0o755)
    assert compile_to_argo.main([str(pipeline)]) == status
    shown = capsys.readouterr()
    assert said in shown.err
    if not status:  # the first document alone, as JSON
        assert yaml.safe_load(shown.out)["pipelineInfo"]["name"] == "debian"
