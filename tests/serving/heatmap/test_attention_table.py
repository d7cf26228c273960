import numpy as np
import pytest
from rich.cells import cell_len

from serving.contract.translation import Translation
from serving.heatmap.attention_table import format_attention_table

SOURCE = ["The", "cat", "is", "on", "the", "mat"]
TARGET = ["Die", "Katze", "ist", "auf", "der", "Matte"]
# The weights of the table in the course material's section on attention heatmaps.
WEIGHTS = np.array(
    [
        [0.80, 0.05, 0.05, 0.05, 0.05, 0.00],
        [0.05, 0.85, 0.05, 0.05, 0.00, 0.00],
        [0.05, 0.05, 0.80, 0.05, 0.05, 0.00],
        [0.00, 0.05, 0.05, 0.80, 0.05, 0.05],
        [0.00, 0.00, 0.00, 0.10, 0.80, 0.10],
        [0.00, 0.00, 0.00, 0.00, 0.10, 0.90],
    ]
)


def make_translation(source, target, weights=None) -> Translation:
    """A translation of whole words between end symbols, which get no weight."""
    attention = np.zeros((len(target) + 1, len(source) + 1), np.float32)
    attention[:-1, :-1] = 1 / len(source) if weights is None else weights
    attention[-1, -1] = 1
    return Translation(
        text=" ".join(target),
        score=-1.0,
        source_tokens=(*(f"▁{word}" for word in source), "</s>"),
        target_tokens=(*(f"▁{word}" for word in target), "</s>"),
        attention=attention,
        truncated=False,
    )


def test_source_goes_across_and_target_down_with_two_decimals():
    table = format_attention_table(make_translation(SOURCE, TARGET, WEIGHTS), width=80)
    assert table.splitlines() == [
        "         The  cat   is   on  the  mat",
        "      ┌──────────────────────────────",
        "Die   │ 0.80 0.05 0.05 0.05 0.05 0.00",
        "Katze │ 0.05 0.85 0.05 0.05 0.00 0.00",
        "ist   │ 0.05 0.05 0.80 0.05 0.05 0.00",
        "auf   │ 0.00 0.05 0.05 0.80 0.05 0.05",
        "der   │ 0.00 0.00 0.00 0.10 0.80 0.10",
        "Matte │ 0.00 0.00 0.00 0.00 0.10 0.90",
    ]


def test_subwords_are_shown_with_their_end_symbols():
    table = format_attention_table(make_translation(SOURCE, TARGET), words=False, width=80)
    assert "▁cat" in table.splitlines()[0]
    assert table.splitlines()[-1].startswith("</s>")


@pytest.mark.parametrize("width", [20, 33, 60, 80])
def test_no_line_is_wider_than_the_terminal(width):
    words = [f"word{number}" for number in range(50)]
    table = format_attention_table(make_translation(words, TARGET), width=width)
    assert max(cell_len(line) for line in table.splitlines()) <= width


def test_every_source_word_heads_exactly_one_column_of_the_blocks():
    words = [f"word{number}" for number in range(50)]
    blocks = format_attention_table(make_translation(words, TARGET), width=60).split("\n\n")
    assert [word for block in blocks for word in block.splitlines()[0].split()] == words


def test_a_very_narrow_terminal_gets_one_column_at_a_time():
    blocks = format_attention_table(make_translation(SOURCE, TARGET), width=1).split("\n\n")
    assert len(blocks) == len(SOURCE)


def test_wide_characters_keep_all_lines_of_a_block_aligned():
    table = format_attention_table(
        make_translation(["狐狸", "e\u0301te\u0301", "🦊"], ["跑得快", "x"]), width=80
    )
    heading, *lines = table.splitlines()
    assert {cell_len(line) for line in lines} == {cell_len(heading)}


def test_control_characters_never_reach_the_terminal():
    table = format_attention_table(make_translation(["\x1b[31mred"], ["\u202ex\x07"]), width=80)
    assert not {"\x1b", "\x07", "\u202e"} & set(table)


def test_a_word_as_long_as_a_line_is_cut():
    table = format_attention_table(make_translation(["a" * 500], ["b"]), width=40)
    assert max(map(len, table.splitlines())) <= 40


def test_a_translation_of_nothing_has_no_table():
    nothing = Translation(
        text="",
        score=0.0,
        source_tokens=("</s>",),
        target_tokens=(),
        attention=np.zeros((0, 1), np.float32),
        truncated=False,
    )
    assert format_attention_table(nothing) == ""
