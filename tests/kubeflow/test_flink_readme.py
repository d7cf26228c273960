import re

import pytest
import yaml

from pipeline.config.beam import FLINK_VERSION, BeamSettings, beam_arguments
from tests.kubeflow.rendered import ROOT, render

FLINK = ROOT / "kubeflow" / "flink"
README = (FLINK / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = "\n".join(text for language, text in BLOCKS if language == "sh")


def names_of(kind):
    manifests = render(FLINK / "overlays" / "shared-volume")
    return {each["metadata"]["name"] for each in manifests if each["kind"] == kind}


def test_every_path_in_a_command_is_there():
    paths = re.findall(r"kubeflow/flink/[\w./-]+", COMMANDS)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_path_in_the_text_is_there():
    paths = re.findall(r"`((?:base|overlays)/[\w./-]*)`", README)
    assert paths
    assert [path for path in paths if not (FLINK / path).exists()] == []


@pytest.mark.parametrize(
    ("kind", "word"), [("Deployment", "deployment"), ("FlinkDeployment", "flinkdeployment")]
)
def test_every_name_in_a_command_is_there(kind, word):
    assert set(re.findall(rf"\b{word}/([\w-]+)", COMMANDS)) == names_of(kind)


def test_the_example_is_a_configuration_for_this_cluster():
    [example] = [text for language, text in BLOCKS if language == "yaml"]
    beam = BeamSettings.model_validate(yaml.safe_load(example)["beam"], strict=True)
    assert "--runner=PortableRunner" in beam_arguments(beam, "/workspace/pipelines/x")
    service, _, port = beam.portable.job_endpoint.partition(":")
    [found] = [each for each in render(FLINK / "base") if each["kind"] == "Service"]
    assert found["metadata"]["name"] == service
    assert int(port) in {each["port"] for each in found["spec"]["ports"]}
    [cluster] = [each for each in render(FLINK / "base") if each["kind"] == "FlinkDeployment"]
    settings = cluster["spec"]["flinkConfiguration"]
    assert beam.portable.worker_processes == int(settings["taskmanager.numberOfTaskSlots"])
    assert beam.portable.parallelism <= int(settings["slotmanager.number-of-slots.max"])


def test_the_versions_are_those_of_beam():
    options = pytest.importorskip("apache_beam.options.pipeline_options")
    *others, last = options.FlinkRunnerOptions.PUBLISHED_FLINK_VERSIONS
    assert f"job servers for Flink {', '.join(others)} and {last}" in README
    assert f"| Flink | {FLINK_VERSION} |" in README
