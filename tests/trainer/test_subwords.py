import random
from collections import Counter

import pytest
import tensorflow as tf
from hypothesis import given, strategies

from tests.any_text import texts as any_texts
from tests.trainer.tiny import SUBWORDS, write_vocabulary
from text.normal_form import normalise, split_words
from trainer.byte_pair_encoding import learn_pieces
from trainer.subwords import (
    PAD,
    RESERVED,
    UNKNOWN,
    SubwordDecoder,
    SubwordEncoder,
    read_vocabulary,
    vocabulary_lines,
)


@pytest.fixture(scope="module")
def vocabulary_path(tmp_path_factory):
    return write_vocabulary(tmp_path_factory.mktemp("vocabulary"))


@pytest.fixture(scope="module")
def encode(vocabulary_path):
    return SubwordEncoder(vocabulary_path, SUBWORDS.max_piece_characters)


@pytest.fixture(scope="module")
def decode(vocabulary_path):
    return SubwordDecoder(read_vocabulary(vocabulary_path))


def random_texts():
    rng = random.Random(3)
    alphabet = [*"aeinst THE.,19", "ß", "\u0301", "語", "😀", "\u2028", "\u00a0", "▁", "<", ">"]
    texts = ["".join(rng.choices(alphabet, k=rng.randint(0, 40))) for _ in range(200)]
    return [*texts, "", " ", "<pad> </s> <0x41>", "The cat"]


def test_decoding_what_was_encoded_gives_the_normalised_text_back(encode, decode):
    texts = tf.constant(random_texts())
    decoded = decode(encode(texts).to_tensor(PAD))
    assert decoded.numpy().tolist() == normalise(texts).numpy().tolist()


JOINED = ["کتاب\u200cها را می\u200cخواهم.", "राष्\u200dट्र", "ශ්\u200dරී ලංකා", "👨\u200d👩\u200d👧 हैं"]


def test_joiners_come_out_of_a_vocabulary_that_lacks_them(encode, decode):
    decoded = decode(encode(tf.constant(JOINED)).to_tensor(PAD))
    assert [text.decode() for text in decoded.numpy()] == JOINED


def test_a_word_with_joiners_is_learned_as_one_piece(tmp_path):
    words = split_words(normalise(tf.constant(JOINED * 2))).flat_values
    counts = Counter(word.decode() for word in words.numpy())
    path = tmp_path / "subwords.txt"
    lines = vocabulary_lines(learn_pieces(counts, 200, 16))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    encode = SubwordEncoder(str(path), 16)
    ids = encode(tf.constant(JOINED)).to_tensor(PAD)
    decode = SubwordDecoder(read_vocabulary(str(path)))
    assert [text.decode() for text in decode(ids).numpy()] == JOINED
    assert "▁می\u200cخواهم" in lines
    assert [symbol.decode() for symbol in decode.symbols(ids).numpy()[2]][:2] == [
        "▁ශ්\u200dරී", "▁ලංකා",
    ]  # fmt: skip


def test_nothing_is_ever_unknown_or_special(encode):
    ids = encode(tf.constant(random_texts())).flat_values
    assert int(tf.reduce_min(ids)) > UNKNOWN + 2


def test_a_text_is_encoded_the_same_alone_and_in_company(encode):
    texts = random_texts()[:50]
    together = encode(tf.constant(texts)).to_list()
    assert together == [encode(tf.constant([text])).to_list()[0] for text in texts]


def test_the_longest_piece_is_taken(encode, decode):
    ids = encode(tf.constant(["The cat, the mat"]))
    symbols = [symbol.decode() for symbol in decode.symbols(ids.to_tensor()).numpy()[0]]
    assert symbols == ["▁The", "▁cat", "<0x2C>", "▁the", "▁", "m", "a", "t"]


def test_any_ids_decode_to_valid_text(decode):
    rng = random.Random(5)
    ids = [[rng.randrange(RESERVED + 20) for _ in range(30)] for _ in range(50)]
    for text in decode(tf.constant(ids)).numpy():
        text.decode("utf-8")


def test_another_file_is_refused_as_a_vocabulary(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("the\nof\n", encoding="utf-8")
    with pytest.raises(ValueError, match="is not a subword vocabulary"):
        read_vocabulary(str(path))


@given(
    strategies.lists(any_texts.map(str.encode) | strategies.binary(), min_size=1),
    strategies.lists(any_texts, min_size=1),
    strategies.integers(0, 100),
    strategies.integers(1, 8),
)
def test_any_text_comes_back_with_any_vocabulary(
    tmp_path_factory, contents, learned_from, size, max_characters
):
    words = split_words(normalise(tf.constant(learned_from))).flat_values.numpy()
    counts = Counter(word.decode() for word in words)
    pieces = learn_pieces(counts, size, max_characters, min_count=1)
    path = tmp_path_factory.mktemp("vocabulary") / "subwords.txt"
    path.write_text("\n".join(vocabulary_lines(pieces)) + "\n", encoding="utf-8")
    encode = SubwordEncoder(str(path), max_characters)
    decode = SubwordDecoder(read_vocabulary(str(path)))
    decoded = decode(encode(tf.constant(contents)).to_tensor(PAD))
    assert decoded.numpy().tolist() == normalise(tf.constant(contents)).numpy().tolist()
