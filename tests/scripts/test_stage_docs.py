"""The pages of the site: links to source files become text, everything else is unchanged."""

from pathlib import Path

import pytest

from scripts import stage_docs


@pytest.fixture
def root(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    (tmp_path / "code.py").touch()
    (tmp_path / "picture.png").touch()
    (tmp_path / "docs/site.css").touch()
    (tmp_path / "README.md").write_text(
        "[gate](docs/gate.md#a) [`code`](code.py) [out](https://example.org) ![p](picture.png)\n"
        "```\n[kept](code.py)\n```\n",
        encoding="utf-8",
    )
    (tmp_path / "docs/gate.md").write_text("[home](../README.md)\n", encoding="utf-8")
    monkeypatch.setattr(stage_docs, "ROOT", tmp_path)
    monkeypatch.setattr(stage_docs, "pages", lambda: [Path("README.md"), Path("docs/gate.md")])
    return tmp_path


def test_a_link_to_a_file_outside_the_site_becomes_text(root):
    stage_docs.stage(root / "site")
    assert (root / "site/README.md").read_text(encoding="utf-8") == (
        "[gate](docs/gate.md#a) `code` [out](https://example.org) ![p](picture.png)\n"
        "```\n[kept](code.py)\n```\n"
    )
    assert (root / "site/docs/gate.md").read_text(encoding="utf-8") == "[home](../README.md)\n"
    assert (root / "site/picture.png").is_file()


def test_what_an_earlier_build_left_is_removed(root):
    (root / "site").mkdir()
    (root / "site/old.md").touch()
    stage_docs.stage(root / "site")
    assert not (root / "site/old.md").exists()


def test_the_site_has_the_pages_of_its_configuration():
    assert Path("README.md") in stage_docs.pages()
    assert Path("docs/gate.md") in stage_docs.pages()
