"""The metadata of the wheel, and the licence inside."""

import email
import zipfile
from email.message import Message

import pytest

from tests.wheel import ROOT, build_wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    with zipfile.ZipFile(build_wheel(tmp_path_factory.mktemp("wheel"))) as archive:
        yield archive


@pytest.fixture(scope="module")
def metadata(wheel) -> Message:
    [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return email.message_from_bytes(wheel.read(name))


def test_the_wheel_holds_the_licence(wheel):
    [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/licenses/LICENSE")]
    assert wheel.read(name) == (ROOT / "LICENSE").read_bytes()


def test_the_licence_is_the_full_apache_licence():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_metadata_names_the_licence_and_the_authors(metadata):
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Author"] == "attention-nmt maintainers"


def test_the_metadata_says_what_the_project_is_and_for_whom(metadata):
    assert metadata["Summary"].startswith("A production TFX pipeline")
    assert metadata["Requires-Python"] == ">=3.11"
    assert "machine translation" in metadata["Keywords"]
    classifiers = metadata.get_all("Classifier")
    assert "Programming Language :: Python :: 3.11" in classifiers
    assert "Operating System :: POSIX :: Linux" in classifiers
    # PEP 639: the licence is only in its own field.
    assert not [each for each in classifiers if each.startswith("License ::")]


def test_the_readme_is_the_description(metadata):
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).startswith("# attention-nmt")


def test_only_the_extra_files_brings_what_is_under_the_gpl(metadata):
    needed = [each for each in metadata.get_all("Requires-Dist") if "translate-toolkit" in each]
    assert needed == ['translate-toolkit; extra == "files"']
