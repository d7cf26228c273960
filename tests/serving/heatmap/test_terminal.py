import io

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from serving.heatmap.matrix import END_LABEL, Heatmap, make_heatmap
from serving.heatmap.terminal import attention_table, draw_in_terminal
from tests.serving.heatmap.chapter import SOURCE, TARGET, WEIGHTS, make_translation

CHAPTER = make_heatmap(" ".join(SOURCE), make_translation(SOURCE, TARGET, WEIGHTS))


def square(words, has_end=False) -> Heatmap:
    weights = np.eye(len(words), dtype=np.float32)
    return Heatmap(tuple(words), tuple(words), weights, has_end)


def shown(heatmap: Heatmap, width: int, **console) -> str:
    output = io.StringIO()
    Console(file=output, width=width, **console).print(
        draw_in_terminal(heatmap, width), soft_wrap=True
    )
    return output.getvalue()


def test_words_and_a_column_for_the_end_are_shown():
    assert CHAPTER.source == (*SOURCE, END_LABEL)
    assert CHAPTER.target == tuple(TARGET)
    assert CHAPTER.has_end


def test_tokens_are_shown_with_their_end_symbols():
    heatmap = make_heatmap(" ".join(SOURCE), make_translation(SOURCE, TARGET), tokens=True)
    assert (heatmap.source[0], heatmap.source[-1], heatmap.target[-1]) == ("▁The", "</s>", "</s>")
    assert heatmap.has_end


def test_control_characters_never_reach_a_label():
    heatmap = make_heatmap("\x1b[31mred x", make_translation(["\x1b[31mred", "x"], ["a\u202eb"]))
    assert not {"\x1b", "\u202e"} & set("".join([*heatmap.source, *heatmap.target]))


def test_without_colours_the_numbers_remain():
    lines = shown(CHAPTER, 80, no_color=True).splitlines()
    assert lines[0].split() == [*SOURCE, END_LABEL]
    assert lines[1].split() == ["Die", "0.80", "0.05", "0.05", "0.05", "0.05"]
    assert lines[-1].split() == ["Matte", "0.10", "0.90"]


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"NO_COLOR": "1", "TERM": "xterm"}])
def test_no_color_is_honoured(environment):
    text = shown(CHAPTER, 80, force_terminal=True, _environ=environment)
    assert "\x1b[48" not in text
    assert "0.85" in text


def test_a_terminal_with_colours_gets_a_ground_for_each_cell():
    text = shown(CHAPTER, 80, force_terminal=True, color_system="truecolor")
    assert text.count("48;2;") >= len(SOURCE) * len(TARGET)


@pytest.mark.parametrize("width", [30, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width):
    heatmap = square([f"word{number}" for number in range(60)])
    assert max(cell_len(line) for line in shown(heatmap, width).splitlines()) <= width


def test_what_does_not_fit_is_headed_downwards_and_in_percent():
    lines = shown(square([f"word{number:02}" for number in range(20)]), 80).splitlines()
    assert ["".join(column) for column in zip(*(line[8::3] for line in lines[:6]), strict=False)][
        :2
    ] == ["word00", "word01"]
    assert lines[6].split() == ["word00", "100"]


def test_every_column_stands_in_exactly_one_block():
    words = [f"w{number:02}" for number in range(60)]
    text = shown(square(words), 50)
    assert text.count("100") == 60
    assert len(text.split("\n\n")) == -(-60 // ((50 - 4) // 3))


def test_a_very_narrow_terminal_gets_one_column_at_a_time():
    assert len(shown(square(["aaaa", "bbbb", "cccc"]), 5).rstrip("\n").split("\n\n")) == 3


def test_wide_and_combining_characters_keep_the_cells_in_line():
    heatmap = square(["狐狸", "e\u0301te\u0301", "🦊" * 30, "x"])
    for width in (200, 40):
        lines = shown(heatmap, width).splitlines()[-4:]
        assert len({cell_len(line) for line in lines}) == 1


def test_a_word_as_long_as_a_line_is_cut():
    lines = shown(square(["a" * 500]), 40).splitlines()
    assert max(map(cell_len, lines)) <= 40


def test_a_file_gets_the_table_without_colours():
    lines = attention_table(CHAPTER, io.StringIO()).splitlines()
    assert lines[1].rstrip() == "  Die  0.80  0.05  0.05  0.05  0.05"


def test_weights_that_are_no_numbers_are_left_blank():
    weights = np.full((2, 3), np.nan)
    heatmap = make_heatmap("x", make_translation(["x"], ["y", "z"], weights[:, :1]))
    assert attention_table(heatmap, io.StringIO()).splitlines()[1].strip() == "y"


def test_a_heatmap_of_nothing_is_nothing():
    nothing = Heatmap((), (), np.zeros((0, 0), np.float32), False)
    assert attention_table(nothing, io.StringIO()) == ""


def test_too_many_cells_are_a_sentence():
    words = [f"w{number}" for number in range(201)]
    [line] = attention_table(square(words), io.StringIO()).splitlines()
    assert line.startswith("The table would have 201 rows of 201 cells")


HEBREW = make_heatmap(
    "החבילה החדשה apt",
    make_translation(
        ["החבילה", "החדשה", "apt"],
        ["The", "new", "apt"],
        [[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]],
    ),
)


def test_a_right_to_left_source_turns_the_table_round():
    lines = attention_table(HEBREW, io.StringIO()).splitlines()
    assert lines[0].split() == [END_LABEL, "apt", "\u2067החדשה\u2069", "\u2067החבילה\u2069"]
    assert lines[1].split() == ["0.10", "0.30", "0.60", "The"]
    assert [line[-4:] for line in lines[1:]] == [" The", " new", " apt"]


def test_a_narrow_table_is_turned_round_block_by_block():
    words = [f"א{number}" for number in range(6)]
    heatmap = Heatmap(tuple(words), ("x",), np.eye(6, dtype=np.float32)[:1], False, "rtl")
    lines = shown(heatmap, 14).splitlines()
    assert lines[0].split() == ["\u2067א\u2069"] * 4
    assert lines[1].split() == ["3", "2", "1", "0"]
    assert lines[2].split() == ["100", "x"]
    assert lines[5].split() == ["5", "4"]


def test_right_to_left_words_do_not_move_the_numbers_beside_them():
    translation = make_translation(["The", "word"], ["המילה", "apt"])
    lines = attention_table(make_heatmap("The word", translation), io.StringIO()).splitlines()
    assert lines[1].split()[0] == "\u2067המילה\u2069"
    assert lines[2].split()[0] == "apt"
    assert len({cell_len(line) for line in lines[1:]}) == 1


def test_left_to_right_words_have_no_marks_of_direction():
    assert not {"\u2066", "\u2067"} & set(attention_table(CHAPTER, io.StringIO()))


def test_what_is_joined_stays_in_one_cell_and_takes_its_own_width():
    heatmap = square(["👨\u200d👩\u200d👧", "राष्\u200dट्र", "می\u200cخواهم", "x" * 60])
    assert "👨\u200d👩\u200d👧" in shown(heatmap, 24).split()
    narrow, wide = (square([word, "x"]) for word in ("राष्\u200dट्र", "राष्ट्र"))
    assert shown(narrow, 80).replace("\u200d", "") == shown(wide, 80)
