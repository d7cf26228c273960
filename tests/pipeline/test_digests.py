import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import digests
from pipeline.config.settings import load_config


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of its own with two small packages."""
    for name, text in {"a/x.py": "1", "a/in/y.py": "2", "b/z.py": "3", "a/data.txt": "4"}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(digests, "_ROOT", tmp_path)
    monkeypatch.setattr(digests, "_OUR_PACKAGES", ("a", "b"))
    return tmp_path


def test_a_code_digest_is_64_hexadecimal_digits() -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", digests.code_digest("pipeline"))


def test_the_order_of_packages_changes_nothing(sources: Path) -> None:
    assert digests.code_digest("a", "b") == digests.code_digest("b", "a", "b")


def test_a_changed_source_changes_the_digest(sources: Path) -> None:
    before = digests.code_digest("a")
    (sources / "a/in/y.py").write_text("20", encoding="utf-8")
    assert digests.code_digest("a") != before


def test_a_changed_template_beside_a_source_changes_the_digest(sources: Path) -> None:
    (sources / "a/page.html").write_text("<p>", encoding="utf-8")
    before = digests.code_digest("a")
    (sources / "a/page.html").write_text("<b>", encoding="utf-8")
    assert digests.code_digest("a") != before


def test_a_renamed_source_changes_the_digest(sources: Path) -> None:
    before = digests.code_digest("a")
    (sources / "a/x.py").rename(sources / "a/x2.py")
    assert digests.code_digest("a") != before


def test_content_moved_from_one_source_to_the_next_changes_the_digest(sources: Path) -> None:
    before = digests.code_digest("a", "b")
    (sources / "a/x.py").write_text("", encoding="utf-8")
    (sources / "b/z.py").write_text("13", encoding="utf-8")
    assert digests.code_digest("a", "b") != before


def test_other_packages_and_other_files_do_not_count(sources: Path) -> None:
    before = digests.code_digest("a")
    (sources / "b/z.py").write_text("changed", encoding="utf-8")
    (sources / "a/data.txt").write_text("changed", encoding="utf-8")
    assert digests.code_digest("a") == before


def test_where_the_repository_lies_does_not_count(
    sources: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests.code_digest("a", "b")
    moved = sources.rename(tmp_path_factory.mktemp("elsewhere") / "repository")
    monkeypatch.setattr(digests, "_ROOT", moved)
    assert digests.code_digest("a", "b") == before


def test_one_module_can_be_digested(sources: Path) -> None:
    before = digests.code_digest("a.x")
    (sources / "a/in/y.py").write_text("changed", encoding="utf-8")
    assert digests.code_digest("a.x") == before


@pytest.mark.parametrize(
    "statement",
    [
        "import b.z",
        "import os, b.z as other",
        "from b import z",
        "from b.z import thing",
        "from ..b import z",
        "def later():\n    from b.z import thing",
    ],
)
def test_what_a_source_imports_counts(sources: Path, statement: str) -> None:
    (sources / "a/x.py").write_text(statement, encoding="utf-8")
    before = digests.code_digest("a.x")
    (sources / "b/z.py").write_text("changed", encoding="utf-8")
    assert digests.code_digest("a.x") != before


def test_what_only_a_type_checker_imports_does_not_count(sources: Path) -> None:
    path = sources / "a/x.py"
    path.write_text("if TYPE_CHECKING:\n    import b.z\n", encoding="utf-8")
    before = digests.code_digest("a.x")
    (sources / "b/z.py").write_text("changed = True\n", encoding="utf-8")
    assert digests.code_digest("a.x") == before


def test_imports_of_imports_count_and_may_go_in_a_circle(sources: Path) -> None:
    (sources / "a/x.py").write_text("import b.z", encoding="utf-8")
    (sources / "b/z.py").write_text("import a.in_between", encoding="utf-8")
    (sources / "a/in_between.py").write_text("import a.x", encoding="utf-8")
    before = digests.code_digest("a.x")
    (sources / "a/in_between.py").write_text("import a.x, os", encoding="utf-8")
    assert digests.code_digest("a.x") != before


def test_the_package_that_an_import_runs_on_the_way_counts(sources: Path) -> None:
    (sources / "b/__init__.py").write_text("", encoding="utf-8")
    (sources / "a/x.py").write_text("import b.z", encoding="utf-8")
    before = digests.code_digest("a.x")
    (sources / "b/__init__.py").write_text("changed", encoding="utf-8")
    assert digests.code_digest("a.x") != before


def test_the_code_of_others_does_not_count(sources: Path) -> None:
    (sources / "a/x.py").write_text("import theirs.code", encoding="utf-8")
    (sources / "theirs").mkdir()
    (sources / "theirs/code.py").write_text("1", encoding="utf-8")
    before = digests.code_digest("a.x")
    (sources / "theirs/code.py").write_text("2", encoding="utf-8")
    assert digests.code_digest("a.x") == before


def test_an_unknown_package_is_refused(sources: Path) -> None:
    with pytest.raises(LookupError, match=r"There is no module or package a\.nothing"):
        digests.code_digest("a.nothing")


def test_no_package_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one module"):
        digests.code_digest()


def test_digesting_a_package_does_not_import_it() -> None:
    program = (
        "import sys; from pipeline.digests import code_digest; code_digest('serving', 'trainer');"
        "sys.exit(any(name in sys.modules for name in ('serving', 'trainer')))"
    )
    root = Path(digests.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", program], check=False, cwd=root)
    assert done.returncode == 0


def test_the_lock_digest_is_that_of_the_lock_file(sources: Path) -> None:
    (sources / "requirements.lock").write_bytes(b"abc")
    # The digest of "abc" is the first example of FIPS 180-2, appendix B.1.
    assert digests.lock_digest() == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_an_installation_without_a_lock_file_says_so(sources: Path) -> None:
    assert digests.lock_digest() == "unknown"


def test_equal_configurations_have_equal_digests() -> None:
    first, second = load_config("debian", ["seed=7"]), load_config("debian", ["seed=7"])
    assert digests.config_digest(first) == digests.config_digest(second)


def test_one_changed_value_changes_the_digest_of_its_section_only() -> None:
    first, second = load_config("debian"), load_config("debian", ["decoding.beam_size=7"])
    assert digests.config_digest(first.decoding) != digests.config_digest(second.decoding)
    assert digests.config_digest(first.training) == digests.config_digest(second.training)
