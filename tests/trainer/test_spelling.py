import unicodedata

import numpy as np
import tensorflow as tf

from tests.trainer.test_beam_search import found_sequences
from trainer.beam_search import beam_search
from trainer.continuations import IMPOSSIBLE
from trainer.spelling import Spelling
from trainer.subwords import END, RESERVED, SPECIAL_SYMBOLS, START, SubwordDecoder, vocabulary_lines

PIECES = ["\u2581a", "b"]
SPELLING = Spelling(RESERVED + len(PIECES))
FIRST_BYTE = len(SPECIAL_SYMBOLS)


def spell(contents: bytes) -> int | None:
    """Returns the state after bytes; None if one of them is not allowed."""
    state = 0
    for byte in contents:
        token = byte + FIRST_BYTE
        if SPELLING._penalties[state, token] != 0:
            return None
        state = int(SPELLING._following[state, token])
    return state


def test_each_character_but_control_characters_can_be_spelled() -> None:
    for code in [*range(0x3000), *range(0xD000, 0x11000), *range(0x11000, 0x110000, 251)]:
        character = chr(code)
        category = unicodedata.category(character)
        contents = character.encode("utf-8", errors="surrogatepass")
        assert spell(contents) == (None if code == 0x20 or category in ("Cc", "Cs") else 0), hex(
            code
        )


def test_other_bytes_cannot_be_spelled() -> None:
    rng = np.random.default_rng(1)
    for contents in rng.integers(0, 256, [20_000, 4], dtype=np.uint8):
        state = spell(bytes(contents))
        if state is not None:
            bytes(contents).decode("utf-8", errors="strict" if state == 0 else "ignore")


def test_only_bytes_follow_within_a_character() -> None:
    allowed = SPELLING.penalties(tf.range(9)).numpy() == 0
    others = [*range(FIRST_BYTE), *range(RESERVED, RESERVED + len(PIECES))]
    assert allowed[0, others].all()
    assert not allowed[1:, others].any()
    assert SPELLING.penalties(tf.zeros([2, 3], tf.int32)).shape == [2, 3, RESERVED + 2]


def test_any_model_writes_whole_characters() -> None:
    rng = np.random.default_rng(2)
    decode = SubwordDecoder(vocabulary_lines(PIECES))
    table = tf.constant(rng.normal(0, 3, [64, RESERVED + len(PIECES)]), tf.float32)

    def step(context, tokens, state):
        rows = (context[:, None] + 7 * tokens + 13 * state[..., 0]) % 64
        attention = tf.ones([*tf.unstack(tf.shape(tokens)), 1])
        return tf.gather(table, rows), state + 1, attention

    sentences = 40
    found = beam_search(
        step,
        tf.range(sentences),
        tf.fill([sentences, 1], START),
        tf.fill([sentences], 30),
        tf.fill([sentences, 1], True),
        beam_size=4,
        alpha=1.0,
        beta=0.0,
        spelling=SPELLING,
    )
    written = decode(found.ids).numpy().reshape(-1).tolist()
    assert any(len(text) > len(text.decode()) for text in written)
    assert not any("\ufffd" in text.decode() for text in written)
    for row in range(sentences):
        for sequence, score in zip(found_sequences(found, row), found.scores[row], strict=True):
            bytes_written = [
                token - FIRST_BYTE for token in sequence if FIRST_BYTE <= token < RESERVED
            ]
            assert score > IMPOSSIBLE / 2
            if sequence[-1] == END and len(bytes_written) == len(sequence) - 1:
                bytes(bytes_written).decode("utf-8")


def test_forbidden_tokens_are_allowed_in_no_state():
    spelling = Spelling(RESERVED + 4, forbidden=range(RESERVED + 1, RESERVED + 3))
    penalties = spelling.penalties(tf.range(9)).numpy()
    assert (penalties[:, RESERVED + 1 : RESERVED + 3] == IMPOSSIBLE).all()
    assert penalties[0, RESERVED] == penalties[0, RESERVED + 3] == 0
