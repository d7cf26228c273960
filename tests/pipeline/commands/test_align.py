import json

import pytest
import typer
from typer.testing import CliRunner

from pipeline.commands import align as align_command
from pipeline.errors import RunFailedError, UserError
from tests.serving.standin_model import export_standin


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return export_standin(tmp_path_factory.mktemp("standin") / "model")


@pytest.fixture
def align(model):
    """Runs the command on its arguments; errors are raised."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(align_command.align)

    def run(*arguments: str, stdin: bytes = b"") -> str:
        result = CliRunner().invoke(app, [*arguments, "--model", model], input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        run.notes = result.stderr
        return result.stdout

    return run


@pytest.fixture
def files(tmp_path):
    """Writes two parallel files and returns the options that name them."""

    def write(sources: str, targets: str) -> tuple[str, ...]:
        for name, text in (("source", sources), ("target", targets)):
            (tmp_path / name).write_bytes(text.encode())
        return "--input", str(tmp_path / "source"), "--target-input", str(tmp_path / "target")

    return write


def test_the_translation_of_the_model_comes_before_its_links(align):
    assert align("the cat", "mat") == "die Katze ||| 0-0 1-1\nMatte ||| 0-0\n"


def test_a_given_translation_has_its_links_alone(align):
    # The stand-in looks at the word of the same number, and beyond the last at the end symbol.
    assert align("a b c", "--target", "x y") == "0-0 1-1\n"
    assert align("a b", "--target", "x y z w") == "0-0 1-1\n"


def test_files_are_aligned_line_by_line_and_blank_lines_stay_blank(align, files):
    options = files("a b\n\nc\n \nd\n", "x y\n\nz\nv\n\u3000\n")
    assert align(*options) == "0-0 1-1\n\n0-0\n\n\n"


def test_words_are_numbered_as_white_space_divides_them_in_the_file(align, files):
    sources = "  two   spaces\nno\u00a0break\na\x00b c\na \x07 b\n"
    assert align(*files(sources, "x y\nx y\nx y z\nx y\n")).splitlines() == [
        "0-0 1-1",
        "0-0 1-1",
        # NUL parts two words for the model, which are one word of the file.
        "0-0 0-1 1-2",
        # A word of a control character alone is none for the model, and a word of the file.
        "0-0 2-1",
    ]


def test_standard_input_is_aligned_and_a_file_is_written_whole(align, tmp_path):
    assert align("--output", str(tmp_path / "links"), stdin=b"the cat\n\nmat\n") == ""
    assert (tmp_path / "links").read_text(encoding="utf-8") == (
        "die Katze ||| 0-0 1-1\n\nMatte ||| 0-0\n"
    )


def test_soft_links_have_their_weights(align):
    # 0.9 on the word itself, and 0.1 spread over two words and the end symbol.
    assert align("a b", "--target", "x y", "--soft") == "0-0:0.93 1-0:0.03 0-1:0.03 1-1:0.93\n"


def test_mutual_alignment_of_clear_attention_is_the_same(align):
    assert align("a b c", "--target", "x y", "--mutual") == "0-0 1-1\n"


def test_json_has_the_words_that_the_numbers_count(align):
    answer = json.loads(align("the  cat", "--json"))
    assert answer == {
        "source": "the  cat",
        "target": "die Katze",
        "source_words": ["the", "cat"],
        "target_words": ["die", "Katze"],
        "alignment": [[0, 0], [1, 1]],
        "truncated": False,
    }


def test_json_has_all_weights_if_they_are_asked_for(align):
    answer = json.loads(align("a b", "--target", "x y", "--soft", "--json"))
    assert [len(row) for row in answer["weights"]] == [2, 2]
    for row, end in zip(answer["weights"], answer["end_weights"], strict=True):
        assert sum(row) + end == pytest.approx(1, abs=1e-5)


def test_json_of_a_blank_line_has_no_links(align):
    assert json.loads(align("--json", stdin=b"\n"))["alignment"] == []


def test_words_beyond_the_cut_are_not_aligned(align, tmp_path):
    words = " ".join(["w"] * 100)
    with pytest.raises(RunFailedError, match="cut at the model's limit in line 1:"):
        align(words, "--target", words, "--output", str(tmp_path / "links"))
    links = (tmp_path / "links").read_text(encoding="utf-8").split()
    assert links == [f"{number}-{number}" for number in range(64)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("a", "b", "--target", "x"), "only 1 translations, but more texts"),
        (("a", "--target", "x", "--target", "y"), "only 1 texts, but more translations"),
        (("a", "--input", "file"), "not both"),
        (("a", "--target", "x", "--target-input", "file"), "not both"),
        (("a", "--target-input", "/nowhere/at-all"), "give another --target-input"),
        (("a", "--target-input", "-"), "only --input may be -"),
        (("a", "--output", "/"), "cannot be written"),
    ],
)
def test_what_the_user_can_fix_is_a_sentence(align, arguments, sentence):
    with pytest.raises(UserError, match=sentence):
        align(*arguments)


def test_files_of_unequal_length_leave_no_half_written_file(align, files, tmp_path):
    with pytest.raises(UserError, match="only 1 translations"):
        align(*files("a\nb\n", "x\n"), "--output", str(tmp_path / "links"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]


def test_scripts_without_spaces_are_aligned_by_the_words_of_icu(align):
    answer = json.loads(align("a b", "--target", "开发文件", "--json"))
    assert answer["target_words"] == ["开发", "文件"]
    assert "those of ICU" in align.notes


def test_scripts_without_spaces_can_be_aligned_by_characters(align):
    answer = json.loads(align("a b", "--target", "开发 ab", "--by", "characters", "--json"))
    assert answer["target_words"] == ["开", "发", "ab"]
    assert "each character" in align.notes


def test_nothing_is_said_about_words_between_spaces(align):
    align("a b", "--target", "x y")
    assert not align.notes


def test_the_words_of_a_translation_without_spaces_can_be_counted(align):
    assert align("开发文件").startswith("开发 文件 ||| ")
