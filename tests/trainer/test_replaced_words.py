import unicodedata

import numpy as np

from text.characters import MASKS
from trainer import replaced_words
from trainer.replaced_words import WordReplacer
from trainer.subwords import MASK_IDS, SubwordDecoder, vocabulary_lines

PIECES = ["▁", "▁lib", "foo", "▁(", ")", "▁reads", "▁liest", "▁25", ".", "▁und", "▁and"]
VOCABULARY = vocabulary_lines(PIECES)


def ids(text):
    return np.array([VOCABULARY.index(piece) for piece in text.split()], np.int32)


def text(row):
    return "".join(VOCABULARY[piece] for piece in row).replace("▁", " ").strip()


def test_words_of_both_sides_are_masked_in_both(monkeypatch):
    monkeypatch.setattr(replaced_words, "_SHARE_OF_CHARACTERS", 0.0)
    pair = ids("▁lib foo ▁reads ▁( ▁25 ) ."), ids("▁25 . ▁( ▁lib foo ) ▁liest")
    replacer = WordReplacer(VOCABULARY, share=1.0)
    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(100):
        [(source, target)] = replacer([pair], rng)
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


def test_characters_outside_the_vocabulary_are_spelled_alike_in_both():
    decode = SubwordDecoder(VOCABULARY)
    replacer = WordReplacer(VOCABULARY, share=1.0)
    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(500):
        [sides] = replacer([(ids("▁reads ▁25"), ids("▁25 ▁liest"))], rng)
        source, target = (decode(side).numpy().decode() for side in sides)
        [new] = set(source.split()) & set(target.split())
        assert (source, target) == (f"reads {new}", f"{new} liest")
        seen.update(new)
    strange = seen - set(MASKS)
    assert len(strange) > 100
    assert all(unicodedata.category(each) not in ("Cs", "Cc") for each in strange)


def test_repeated_words_and_punctuation_are_not_replaced(monkeypatch):
    monkeypatch.setattr(replaced_words, "_SHARE_OF_CHARACTERS", 0.0)
    pair = ids("▁25 ▁25 . ▁lib foo"), ids("▁25 . ▁25 ▁lib foo")
    [(source, _)] = WordReplacer(VOCABULARY, share=1.0)([pair], np.random.default_rng(1))
    assert text(source)[:-1] == "25 25. "
    assert source[-1] in MASK_IDS


def test_a_pair_without_common_words_gets_a_mask():
    pair = ids("▁reads ▁and"), ids("▁liest ▁und")
    rng = np.random.default_rng(1)
    found = {
        tuple(
            text(side).replace(MASKS[0], "%")
            for side in WordReplacer(VOCABULARY, 1.0)([pair], rng)[0]
        )
        for _ in range(500)
    }
    assert {("% reads and", "% liest und"), ("reads and %", "liest und %")} <= found


def test_a_share_of_the_pairs_changes():
    pairs = [(ids("▁25 ▁reads"), ids("▁25 ▁liest"))] * 2000
    new = WordReplacer(VOCABULARY, share=0.1)(pairs, np.random.default_rng(1))
    changed = sum(pair is not before for pair, before in zip(new, pairs, strict=True))
    assert 150 < changed < 250
    assert WordReplacer(VOCABULARY, share=0.0)(pairs, np.random.default_rng(1)) == pairs
