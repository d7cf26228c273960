"""The picture of the packages matches their import statements."""

from xml.etree import ElementTree

from scripts.draw_architecture import PACKAGES, PICTURE, draw_architecture
from scripts.import_graph import BELOW


def test_the_picture_in_the_documentation_is_up_to_date():
    # If it fails: `make pictures`.
    assert PICTURE.read_text(encoding="utf-8") == draw_architecture()


def test_the_picture_is_a_readable_svg():
    texts = [element.text for element in ElementTree.fromstring(draw_architecture()).iter()]
    assert {f"{package}/" for package in PACKAGES} <= set(texts)
    assert {"gate/", "client/", "commands/"} <= set(texts)


def test_every_package_that_is_installed_is_drawn():
    assert set(PACKAGES) == BELOW.keys() - {"benchmarks"}
