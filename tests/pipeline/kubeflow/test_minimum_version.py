from pathlib import Path

import pytest

from pipeline.config.settings import load_config
from pipeline.kubeflow.compiler import compile_pipeline
from pipeline.kubeflow.minimum_version import FEATURES, problems

README = Path(__file__).resolve().parents[3] / "kubeflow" / "README.md"


@pytest.fixture(scope="module")
def documents():
    everything = ["kubeflow.secrets=[storage/key=KEY]", "kubeflow.run_as_non_root=true"]
    return compile_pipeline(load_config("debian", everything))


@pytest.mark.parametrize(
    ("version", "number"),
    [("2.3.0", 4), ("v2.4.0", 3), ("2.5.0", 2), ("2.15.2", 1), ("2.16.0", 0), ("10.0.0", 0)],
)
def test_each_feature_newer_than_the_server_is_named(documents, version, number):
    assert len(problems(version, documents)) == number


def test_what_the_file_lacks_is_not_required():
    assert problems("2.5.0", compile_pipeline(load_config("debian"))) == []


@pytest.mark.parametrize("version", ["", "unknown", "master"])
def test_a_server_without_a_release_is_not_compared(documents, version):
    assert problems(version, documents) == []


def test_the_page_names_the_releases():
    page = README.read_text(encoding="utf-8")
    for _, first, _ in FEATURES:
        assert f"| {'.'.join(map(str, first))} |" in page
