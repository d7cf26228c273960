import numpy as np
import pytest
import tensorflow as tf

from trainer.subword_dropout import SubwordDropout
from trainer.subwords import FIRST_BYTE, MASK_IDS, SubwordEncoder, vocabulary_lines

PIECES = [*"▁abcd", "▁a", "▁ab", "ab", "bc", "abc", "▁abcd", "dd"]
VOCABULARY = vocabulary_lines(PIECES)


def ids(text):
    return np.array([VOCABULARY.index(piece) for piece in text.split()], np.int32)


def pieces(row):
    return " ".join(VOCABULARY[piece] for piece in row)


def cuts(row, share, times=300, vocabulary=VOCABULARY):
    drop, rng = SubwordDropout(vocabulary, share), np.random.default_rng(1)
    found = [side for _ in range(times) for side in drop([(row, row)], rng)[0]]
    assert all(side.dtype == np.int32 for side in found)
    return found


def test_words_are_cut_in_other_ways_and_the_text_stays():
    found = {pieces(row) for row in cuts(ids("▁abcd dd ▁ab abc"), 0.5)}
    assert {text.replace(" ", "") for text in found} == {"▁abcddd▁ababc"}
    assert "▁abcd dd ▁ab abc" in found
    # The longest match that is not refused comes first, so this one needs `abc` refused.
    assert "▁abcd dd ▁ab a bc" in found
    assert len(found) > 100


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_piece_is_refused_with_the_given_probability(share):
    found = [pieces(row) for row in cuts(ids("▁ab"), share, times=5000)]
    shares = {text: found.count(text) / len(found) for text in set(found)}
    expected = {
        "▁ab": 1 - share,
        "▁a b": share * (1 - share),
        "▁ ab": share * share * (1 - share),
        "▁ a b": share**3,
    }
    assert shares == pytest.approx(expected, abs=0.02)


def test_everything_is_cut_into_characters_at_a_share_of_one():
    assert {pieces(row) for row in cuts(ids("▁abcd dd"), 1.0, times=1)} == {"▁ a b c d d d"}


def test_nothing_changes_at_a_share_of_zero():
    assert {pieces(row) for row in cuts(ids("▁abcd dd ▁ab"), 0.0)} == {"▁abcd dd ▁ab"}


def test_masks_and_bytes_stay():
    mask, byte = MASK_IDS[3], FIRST_BYTE + 200
    row = np.concatenate([ids("▁abcd"), [byte, byte], ids("abc"), [mask], ids("▁ab")])
    for found in cuts(row.astype(np.int32), 1.0, times=1):
        assert found.tolist() == [
            *ids("▁ a b c d"), byte, byte, *ids("a b c"), mask, *ids("▁ a b"),
        ]  # fmt: skip


def test_a_vocabulary_without_masks_may_be_cut():
    older = [
        piece for piece in VOCABULARY if piece not in VOCABULARY[MASK_IDS.start : MASK_IDS.stop]
    ]
    row = np.array([older.index("▁abcd"), older.index("dd")], np.int32)
    found = cuts(row, 1.0, times=1, vocabulary=older)
    assert {"".join(older[piece] for piece in each) for each in found} == {"▁abcddd"}


def test_no_words_stay_no_words():
    assert [len(row) for row in cuts(ids(""), 0.5, times=1)] == [0, 0]


def test_the_first_choice_is_that_of_the_encoder(tmp_path):
    file = tmp_path / "subwords.txt"
    file.write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    words = ["▁abcddd", "▁ababc", "▁bcabcd", "▁dddab"]
    encode = SubwordEncoder(str(file), 5)
    for row in encode.encode_words(tf.constant(words)):
        row = row.numpy().astype(np.int32)
        drop, rng = SubwordDropout(VOCABULARY, 1e-9), np.random.default_rng(1)
        # Also from the start of the word, as after a refused piece.
        again = drop._cut("".join(VOCABULARY[piece] for piece in row), 5, rng)
        assert again == row.tolist()
