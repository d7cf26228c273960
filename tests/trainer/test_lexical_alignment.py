import numpy as np
import pytest

from benchmarks.alignment.aligned_language import VOCABULARY, aligned_text
from trainer.batching import Pairs, Sequences, pad
from trainer.lexical_alignment import NO_LINK, LexicalAligner
from trainer.subwords import END, vocabulary_lines


def rows_of(pairs, rows):
    return [pad([side[row] for row in rows]) for side in pairs]


@pytest.fixture(scope="module")
def text():
    return aligned_text(np.random.default_rng(1), 1500)


@pytest.fixture(scope="module")
def aligner(text):
    return LexicalAligner(text.pairs, len(VOCABULARY))


def test_a_language_of_one_to_one_words_is_aligned(text, aligner):
    rows = range(1000, 1500)
    links = aligner(*rows_of(text.pairs, rows))
    found = right = words = 0
    for row, found_links in zip(rows, links, strict=True):
        gold = text.alignments[row]
        ours = found_links[: len(gold)]
        found += np.count_nonzero(ours != NO_LINK)
        right += np.count_nonzero(ours == gold)
        words += len(gold)
        assert (found_links[len(gold) :] == NO_LINK).all()
    assert right / found > 0.97  # the rest are words that occur twice
    assert found / words > 0.9


def test_of_equal_words_the_nearest_is_taken():
    first = len(vocabulary_lines([]))
    a, b, c = range(first, first + 3)
    pairs = Pairs(*(Sequences.of([np.array([a, b, c, a], np.int32)] * 9) for _ in range(2)))
    aligner = LexicalAligner(pairs, first + 3)
    [links] = aligner(*rows_of(pairs, [0]))
    assert links.tolist() == [0, 1, 2, 3, NO_LINK]


def test_a_link_that_one_direction_refuses_is_none(text, aligner):
    # The second of two equal target words has no source word left.
    word = text.pairs.target[0][:1]
    source = text.pairs.source[0][text.alignments[0][:1]]
    [links] = aligner(pad([source]), pad([np.concatenate([word, word])]))
    assert sorted(links.tolist()) == [NO_LINK, NO_LINK, 0]


def test_unknown_words_are_not_linked(text, aligner):
    unknown = np.array([END + 1, END + 2], np.int32)
    assert (aligner(pad([unknown]), pad([unknown])) == NO_LINK).all()
    assert (aligner(pad([unknown]), pad([text.pairs.target[0]])) == NO_LINK).all()


def test_links_depend_on_the_row_alone(text, aligner):
    alone = aligner(*rows_of(text.pairs, [3]))[0]
    together = aligner(*rows_of(text.pairs, range(8)))[3]
    assert together[: len(alone)].tolist() == alone.tolist()
    assert together.dtype == np.int32


def test_evenly_spread_pairs_of_a_large_corpus_are_enough(text, monkeypatch):
    monkeypatch.setattr("trainer.lexical_alignment._MOST_CELLS", 60_000)
    aligner = LexicalAligner(text.pairs, len(VOCABULARY))
    links = aligner(*rows_of(text.pairs, range(50)))
    right = [links[row, : len(gold)] == gold for row, gold in enumerate(text.alignments[:50])]
    assert np.concatenate(right).mean() > 0.9


def test_pairs_without_words_teach_nothing():
    nothing = Sequences.of([np.zeros(0, np.int32)] * 2)
    some = Sequences.of([np.array([END + 1], np.int32)] * 2)
    aligner = LexicalAligner(Pairs(nothing, some), 20)
    assert (aligner(pad([some[0]]), pad([some[0]])) == NO_LINK).all()
