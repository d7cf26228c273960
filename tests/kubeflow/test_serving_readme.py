import re

import pytest

from tests.kubeflow.rendered import ROOT, SERVING, find, of_kind, the

README = (SERVING / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = "\n".join(text for language, text in BLOCKS if language == "sh")


def test_every_path_in_a_command_is_there():
    paths = re.findall(r"kubeflow/serving/\S+", COMMANDS)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_path_of_the_tables_is_there():
    paths = re.findall(r"`((?:base|claim|config|monitoring|overlays)/[\w./-]*)`", README)
    assert paths
    assert [path for path in paths if not (SERVING / path).exists()] == []


@pytest.mark.parametrize(("kind", "word"), [("Deployment", "deployment"), ("Service", "service")])
def test_every_name_in_a_command_is_there(kind, word):
    names = set(re.findall(rf"\b{word}/([\w-]+)", COMMANDS)) - {"debian-predictor"}
    assert names == of_kind("cpu", kind).keys()


def test_the_predictor_is_named_as_kserve_names_it():
    name = the("kserve", "InferenceService")["metadata"]["name"]
    assert f"inferenceservice/{name}" in COMMANDS
    assert f"service/{name}-predictor 8500:80" in COMMANDS


def test_the_secret_that_is_made_by_hand_is_the_one_that_is_read():
    made = set(re.findall(r"create secret generic (\S+)", COMMANDS))
    read = {name for overlay in ("object-store", "tls") for name in secrets_of(overlay)}
    assert made == read


def secrets_of(overlay):
    deployment = the(overlay, "Deployment")
    yield from find(deployment, "secretName")
    yield from (each["name"] for each in find(deployment, "secretRef"))
