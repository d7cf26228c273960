"""The workflows call the commands of the Makefile, with pinned actions."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def steps(workflow: Path) -> list[dict]:
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


def commands(workflow: Path) -> set[str]:
    return {step["run"] for step in steps(workflow) if "run" in step}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_targets_of_make_only(workflow):
    assert commands(workflow) <= {f"make {target}" for target in TARGETS}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_pins_the_major_version_of_each_action(workflow):
    actions = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert actions
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in actions)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_on_the_supported_system(workflow):
    text = workflow.read_text(encoding="utf-8")
    assert set(re.findall(r"runs-on: (.*)", text)) == {"ubuntu-24.04"}
    assert set(re.findall(r"python-version: (.*)", text)) == {'"3.11"'}


def test_the_tests_run_as_in_every_other_place():
    # `.ci/run` names the same commands.
    named = re.findall(r"make [a-z-]+", (ROOT / ".ci/run").read_text(encoding="utf-8"))
    assert commands(ROOT / ".github/workflows/tests.yml") == set(named)
