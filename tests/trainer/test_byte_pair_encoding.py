import random
from itertools import pairwise

import pytest

from trainer.byte_pair_encoding import learn_pieces

# The example of Sennrich, Haddow and Birch (2016), section 3.2; the paper lists its first merges.
PAPER = {"low·": 5, "lower·": 2, "newest·": 6, "widest·": 3}


def test_the_first_merges_are_those_of_the_paper():
    pieces = learn_pieces(PAPER, size=100, max_characters=20, min_count=5)
    merges = [piece for piece in pieces if len(piece) > 1]
    # The paper merges e s, es t, est ·, l o, lo w; each is the most frequent pair at its step.
    assert merges[:3] == ["es", "est", "est·"]
    assert {"lo", "low"} <= set(merges)


def test_the_size_is_never_exceeded_and_no_piece_repeats():
    for size in (3, 10, 15):
        pieces = learn_pieces(PAPER, size, max_characters=20, min_count=1)
        assert len(pieces) == len(set(pieces)) == size


def test_no_piece_is_longer_than_allowed():
    pieces = learn_pieces(PAPER, 100, max_characters=3, min_count=1)
    assert max(map(len, pieces)) == 3


def test_rare_characters_are_left_to_the_bytes():
    pieces = learn_pieces({"aab": 5, "aaz": 1}, 100, max_characters=9, min_count=2)
    assert "z" not in "".join(pieces)
    assert "aa" in pieces


def test_the_order_of_the_counts_does_not_matter():
    words = list(PAPER.items())
    random.Random(1).shuffle(words)
    assert learn_pieces(dict(words), 30, 20, 1) == learn_pieces(PAPER, 30, 20, 1)


@pytest.mark.parametrize("seed", range(40))
def test_merging_incrementally_equals_counting_anew_after_each_merge(seed):
    rng = random.Random(seed)
    # Few different characters give runs such as `aaaa`, and one piece by several ways.
    characters = "aéc\U0001f600"[: rng.randint(1, 4)]
    counts = {
        "".join(rng.choices(characters, k=rng.randint(0, 12))): rng.randint(1, 9)
        for _ in range(rng.randint(0, 60))
    }
    bounds = rng.randint(1, 70), rng.randint(1, 8), rng.randint(1, 3)
    assert learn_pieces(counts, *bounds) == _learn_slowly(counts, *bounds)


def _learn_slowly(counts, size, max_characters, min_count):
    """Byte-pair encoding as in the paper: counts all pairs again for every merge."""
    characters = {c: sum(n * w.count(c) for w, n in counts.items()) for c in "".join(counts)}
    pieces = sorted(
        (c for c in characters if characters[c] >= min_count), key=lambda c: (-characters[c], c)
    )
    pieces = pieces[:size]
    alphabet = set(pieces)
    words = {word: list(word) for word in counts}
    while len(pieces) < size:
        pairs: dict[tuple[str, str], int] = {}
        for word, parts in words.items():
            for pair in pairwise(parts):
                if len(pair[0] + pair[1]) <= max_characters and alphabet.issuperset(
                    pair[0] + pair[1]
                ):
                    pairs[pair] = pairs.get(pair, 0) + counts[word]
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        if pairs[best] < min_count:
            break
        for word, parts in words.items():
            merged: list[str] = []
            for part in parts:
                if merged and merged[-1] == best[0] and part == best[1]:
                    merged[-1] += part
                else:
                    merged.append(part)
            words[word] = merged
        if "".join(best) not in pieces:
            pieces.append("".join(best))
    return pieces
