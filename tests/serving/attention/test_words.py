import unicodedata

import numpy as np
import pytest
import tensorflow as tf

from serving.attention.words import attention_of_words, words_without_punctuation
from serving.contract.translation import Translation, bytes_of_token
from tests.serving.contract.test_translation import SOURCE, TARGET, make_translation
from tests.trainer.tiny import SUBWORDS, write_vocabulary
from text.characters import visible_characters
from text.words import split_text
from trainer.subwords import SubwordDecoder, SubwordEncoder, read_vocabulary


def translation_of(source_tokens, target_tokens, target, attention=None) -> Translation:
    made = make_translation(source_tokens, target_tokens, attention)
    return Translation(**{**vars(made), "text": target})


def tokens_of_words(text: str, tokens) -> list[list[str]]:
    """Returns the tokens of each word of `split_text(text)`.

    The attention has one row for each token, with all its weight on this token.
    """
    rows = [f"▁{number}" for number in range(len(tokens))]
    watched = translation_of(
        tokens, rows, " ".join(map(str, range(len(tokens)))), np.eye(len(rows))
    )
    words = attention_of_words(text, watched)
    assert words.source_words == tuple(split_text(text))
    return [[tokens[row] for row in np.flatnonzero(column)] for column in words.attention.T]


def test_words_are_joined_from_their_subwords_on_both_sides():
    words = attention_of_words(
        "The cat sleeps.", translation_of(SOURCE, TARGET, "Die Katze schläft.")
    )
    assert words.source_words == ("The", "cat", "sleeps.")
    assert words.target_words == ("Die", "Katze", "schläft.")


def test_a_row_and_what_it_put_on_the_end_sum_to_one():
    words = attention_of_words(
        "The cat sleeps.", translation_of(SOURCE, TARGET, "Die Katze schläft.")
    )
    np.testing.assert_allclose(words.attention.sum(axis=1) + words.on_end, 1, rtol=1e-6)


def test_columns_are_summed_and_rows_averaged():
    attention = [[0.1, 0.2, 0.6, 0.1], [0.3, 0.4, 0.0, 0.3]]
    words = attention_of_words(
        "ab c", translation_of(("▁a", "b", "▁c", "</s>"), ("▁x", "y"), "xy", attention)
    )
    np.testing.assert_allclose(words.attention, [[0.5, 0.3]], rtol=1e-6)
    np.testing.assert_allclose(words.on_end, [0.2], rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "tokens", "expected"),
    [
        ("  two   spaces ", ("▁two", "▁spaces", "</s>"), [["▁two"], ["▁spaces"]]),
        ("a\u00a0b\tc\u2028d\u3000e", ("▁a", "▁b", "▁c", "▁d", "▁e"), [[f"▁{c}"] for c in "abcde"]),
        # A model reads a control character as a space, but it is not white space.
        ("a\x00b c", ("▁a", "▁b", "▁c", "</s>"), [["▁a", "▁b"], ["▁c"]]),
        ("a \x07 b", ("▁a", "▁b", "</s>"), [["▁a"], [], ["▁b"]]),
        # A zero-width space is not white space, for models and for `str.split`.
        ("a\u200bb c", ("▁a", "\u200b", "b", "▁c"), [["▁a", "\u200b", "b"], ["▁c"]]),
        # In a text, the marker of a word's start is read as an underscore.
        ("a▁b c", ("▁a", "_", "b", "▁c"), [["▁a", "_", "b"], ["▁c"]]),
        ("cafe\u0301 x", ("▁cafe", "\u0301", "▁x"), [["▁cafe", "\u0301"], ["▁x"]]),
        ("a b", ("▁", "a", "▁", "▁b", "</s>"), [["▁", "a"], ["▁", "▁b"]]),
        ("🦊 b", ("▁", "<0xF0>", "<0x9F>", "<0xA6>", "<0x8A>", "▁b"), None),
        ("lone \udc80 surrogate", ("▁lone", "▁\ufffd", "▁surrogate"), None),
        ("a b c d", ("▁a", "▁b", "</s>"), [["▁a"], ["▁b"], [], []]),
        ("", ("</s>",), []),
        (" \u3000 ", ("</s>",), []),
    ],
)
def test_tokens_are_given_to_the_words_of_the_text_itself(text, tokens, expected):
    if expected is None:
        expected = {"🦊 b": [list(tokens[:5]), ["▁b"]]}.get(text, [[token] for token in tokens])
    assert tokens_of_words(text, tokens) == expected


def test_a_model_that_composes_accents_shifts_no_word():
    text = "der scho\u0308ne Ma\u0308rz war u\u0308bel"
    tokens = tuple(f"▁{word}" for word in unicodedata.normalize("NFC", text).split())
    assert tokens_of_words(text, tokens) == [[token] for token in tokens]


def test_bytes_that_are_no_text_shift_no_word():
    # Two bytes of a three-byte character, as a search may produce them, and their decoded form.
    tokens = ("▁Ein", "▁a", "<0xE2>", "<0x82>", "▁Haus", "</s>")
    translation = translation_of(("▁x", "</s>"), tokens, "Ein a\ufffd Haus")
    words = attention_of_words("x", translation)
    assert words.target_words == ("Ein", "a\ufffd", "Haus")
    rows = ([0], [1, 2, 3], [4])
    expected = [translation.attention[own, 0].mean() for own in rows]
    np.testing.assert_allclose(words.attention[:, 0], expected, rtol=1e-6)


def test_words_beyond_the_cut_have_no_weight():
    words = attention_of_words(
        "a b c", translation_of(("▁a", "</s>"), ("▁x", "</s>"), "x y z", [[0.75, 0.25], [0, 1]])
    )
    np.testing.assert_allclose(words.attention, [[0.75, 0, 0], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(words.on_end, [0.25, 0, 0])


def test_punctuation_can_be_split_off():
    tokens = ("▁Hello", ",", "▁T", "-", "Shirt", "!", "</s>")
    words = attention_of_words(
        "Hello, T-Shirt!",
        translation_of(tokens, ("▁x",), "x", np.eye(7)[:1]),
        split_punctuation=True,
    )
    assert words.source_words == ("Hello", ",", "T-Shirt", "!")
    assert words.attention[0].tolist() == [1, 0, 0, 0]


def test_words_keep_the_punctuation_within_them():
    text = "«Ça va», 3.5 T-Shirts … ? it's \x07"
    assert words_without_punctuation(text) == ["Ça", "va", "3.5", "T-Shirts", "it's"]


def test_a_subword_of_several_words_belongs_to_all_of_them():
    source, target = ("▁这个软件", "包</s>"), ("▁ab", "包含了", "开发。")
    attention = [[0.8, 0.2], [0.5, 0.5], [0.2, 0.8]]
    words = attention_of_words(
        "这个软件 包</s>", translation_of(source, target, "ab包含了开发。", attention)
    )
    assert words.source_words == ("这个", "软件", "包", "</s>")
    assert words.target_words == ("ab", "包含", "了", "开发", "。")
    np.testing.assert_allclose(
        words.attention,
        [
            [0.4, 0.4, 0.1, 0.1],
            *[[0.25, 0.25, 0.25, 0.25]] * 2,
            *[[0.1, 0.1, 0.4, 0.4]] * 2,
        ],
        rtol=1e-6,
    )


def test_scripts_without_spaces_can_be_divided_into_characters():
    translation = translation_of(("▁ab", "</s>"), ("▁开", "发 ab"), "开发 ab")
    words = attention_of_words("ab", translation, unit="characters")
    assert words.target_words == ("开", "发", "ab")


@pytest.fixture(scope="module")
def encode(tmp_path_factory):
    """Returns a function from a text to a model's subwords, using the exported graph."""
    path = write_vocabulary(tmp_path_factory.mktemp("vocabulary"))
    encoder = SubwordEncoder(path, SUBWORDS.max_piece_characters)
    decoder = SubwordDecoder(read_vocabulary(path))

    def encode(text: str) -> tuple[str, ...]:
        symbols = decoder.symbols(encoder(tf.constant([text])).flat_values)
        return (*(symbol.decode() for symbol in symbols.numpy()), "</s>")

    return encode


SPACES = [" ", "  ", "\t", "\x1f", "\x85", "\u00a0", "\u2028", "\u3000"]
CONTROLS = ["\x00", "\x1b"]
FORMATS = ["\u200b", "\ufeff", "\u202e"]
LETTERS = [*"abThe.,-$5ß_▁é🦊狐\ufffd", "the ", "cat", "e\u0301", "北京大学", "パンは、", "น้ำตก"]
ALPHABET = [*LETTERS, *SPACES, *CONTROLS, *FORMATS]


@pytest.mark.parametrize("seed", range(30))
def test_each_word_gets_exactly_the_tokens_that_spell_it(encode, seed):
    rng = np.random.default_rng(seed)
    text = "".join(rng.choice(ALPHABET, rng.integers(1, 40)))
    tokens = encode(text)
    for word, own in zip(split_text(text), tokens_of_words(text, tokens), strict=True):
        spelled = b"".join(map(bytes_of_token, own))
        assert list(spelled.decode().replace("▁", "")) == visible_characters(word)
