import numpy as np

from text.characters import MASKS
from trainer.masked_words import WordMasker
from trainer.subwords import MASK_IDS, vocabulary_lines

PIECES = ["▁", "▁lib", "foo", "▁(", ")", "▁reads", "▁liest", "▁25", ".", "▁und", "▁and"]
VOCABULARY = vocabulary_lines(PIECES)


def ids(text):
    return np.array([VOCABULARY.index(piece) for piece in text.split()], np.int32)


def text(row):
    return "".join(VOCABULARY[piece] for piece in row).replace("▁", " ").strip()


def test_words_of_both_sides_are_masked_in_both():
    pair = ids("▁lib foo ▁reads ▁( ▁25 ) ."), ids("▁25 . ▁( ▁lib foo ) ▁liest")
    masker = WordMasker(VOCABULARY, share=1.0)
    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(100):
        [(source, target)] = masker([pair], rng)
        assert source.dtype == target.dtype == np.int32
        masks = [piece for piece in source.tolist() if piece in MASK_IDS]
        assert 1 <= len(masks) <= 2
        assert masks == sorted(masks)
        assert sorted(masks) == sorted(piece for piece in target.tolist() if piece in MASK_IDS)
        seen.update(masks)
        if len(masks) == 2:
            one, two = (MASKS[mask - MASK_IDS.start] for mask in masks)
            assert text(source) == f"{one} reads ( {two})."
            assert text(target) == f"{two}. ( {one}) liest"
    assert seen == set(MASK_IDS)


def test_repeated_words_and_punctuation_are_not_masked():
    pair = ids("▁25 ▁25 . ▁lib foo"), ids("▁25 . ▁25 ▁lib foo")
    [(source, _)] = WordMasker(VOCABULARY, share=1.0)([pair], np.random.default_rng(1))
    assert text(source)[:-1] == "25 25. "
    assert source[-1] in MASK_IDS


def test_a_pair_without_common_words_gets_a_mask():
    pair = ids("▁reads ▁and"), ids("▁liest ▁und")
    rng = np.random.default_rng(1)
    found = {
        tuple(
            text(side).replace(MASKS[0], "%")
            for side in WordMasker(VOCABULARY, 1.0)([pair], rng)[0]
        )
        for _ in range(500)
    }
    assert {("% reads and", "% liest und"), ("reads and %", "liest und %")} <= found


def test_the_share_of_the_pairs_is_masked():
    pairs = [(ids("▁25 ▁reads"), ids("▁25 ▁liest"))] * 2000
    masked = WordMasker(VOCABULARY, share=0.1)(pairs, np.random.default_rng(1))
    changed = sum(pair is not before for pair, before in zip(masked, pairs, strict=True))
    assert 150 < changed < 250
    assert WordMasker(VOCABULARY, share=0.0)(pairs, np.random.default_rng(1)) == pairs
