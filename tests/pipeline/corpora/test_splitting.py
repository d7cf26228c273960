import itertools

import pytest

from pipeline.corpora.information import SPLITS
from pipeline.corpora.splitting import KeyedPair, drop_leaks, hash_fraction, split_by_size, split_of
from text.comparison import comparison_key

WORDS = ("cat", "dog", "cow", "owl", "bee", "ant", "fox", "eel", "hen", "rat")
PAIRS = [
    (f"The {one} sees the {other}.", f"{one} sieht {other}.")
    for one, other in itertools.permutations(WORDS, 2)
]


def test_a_hash_is_the_same_on_every_machine() -> None:
    # The first six bytes of sha256sum's answer to `printf debian`, over 2**48.
    assert hash_fraction("debian") == int("81d93757457f", 16) / 2**48


def test_shares_of_splits_are_about_those_asked_for() -> None:
    splits = [split_of(str(number), validation=0.1, test=0.2) for number in range(10_000)]
    assert splits.count("validation") == pytest.approx(1_000, abs=100)
    assert splits.count("test") == pytest.approx(2_000, abs=150)


def test_evaluation_splits_have_the_sizes_asked_for() -> None:
    splits, dropped = split_by_size(PAIRS, {"validation": 7, "test": 11})
    assert {split: len(splits[split]) for split in SPLITS} == {
        "train": 72,
        "validation": 7,
        "test": 11,
    }
    assert dropped == {}


def test_the_order_of_the_input_does_not_change_the_splits() -> None:
    one, _ = split_by_size(PAIRS, {"validation": 7, "test": 11})
    other, _ = split_by_size(PAIRS[::-1], {"validation": 7, "test": 11})
    assert {split: set(one[split]) for split in SPLITS} == {
        split: set(other[split]) for split in SPLITS
    }


def test_near_duplicates_of_either_side_never_straddle() -> None:
    variants = [
        (source.upper() + " 2", f"{target} Ja {number}")
        for number, (source, target) in enumerate(PAIRS)
    ]
    same_target = [(f"{source} Really.", target) for source, target in PAIRS[::3]]
    splits, _ = split_by_size([*PAIRS, *variants, *same_target], {"validation": 20, "test": 20})
    assert all(splits.values())
    for one, other in itertools.combinations(SPLITS, 2):
        for side in (0, 1):
            keys = [
                {comparison_key(pair[side]) for pair in splits[split]} for split in (one, other)
            ]
            assert not keys[0] & keys[1]


def test_no_pair_is_lost_but_exact_duplicates_which_are_counted() -> None:
    splits, dropped = split_by_size([*PAIRS, *PAIRS[:5]], {"validation": 5, "test": 5})
    assert sorted(itertools.chain(*splits.values())) == sorted(PAIRS)
    assert dropped == {"duplicate": 5}


def test_features_stay_with_their_pair_and_of_equal_pairs_the_first_is_kept() -> None:
    rows = [(*pair, f"domain {number}") for number, pair in enumerate(PAIRS)]
    splits, dropped = split_by_size([*rows, (*PAIRS[0], "other")], {"validation": 5, "test": 5})
    assert sorted(itertools.chain(*splits.values())) == sorted(rows)
    assert dropped == {"duplicate": 1}


@pytest.mark.parametrize("largest", [1, 5, 30, 200])
def test_a_group_larger_than_the_room_left_stays_in_train(largest: int) -> None:
    groups = [
        [(f"{source} {number}", f"{target} {number}") for number in range(1 + index % largest)]
        for index, (source, target) in enumerate(PAIRS)
    ]
    pairs = [pair for group in groups for pair in group]
    wanted = {"validation": 20, "test": 30}
    splits, dropped = split_by_size(pairs, {"validation": 20, "test": 30})
    assert sum(map(len, splits.values())) == len(pairs)
    assert not dropped
    for split, count in wanted.items():
        assert count / 1.2 <= len(splits[split]) <= 1.2 * count  # type: ignore[index]
    keys = [{comparison_key(source) for source, _ in splits[split]} for split in SPLITS]
    assert sum(map(len, keys)) == len(set.union(*keys)) == len(PAIRS)


def test_near_duplicates_of_given_splits_are_dropped_from_train_only() -> None:
    given = [("THE CAT SEES THE DOG", "x"), ("x", "dog sieht cat 7"), ("x", "dog sieht cat 7")]
    splits, dropped = split_by_size(PAIRS, {"validation": 5}, {"test": given})
    assert splits["test"] is given
    assert dropped == {"found in test": 2}
    assert {split: len(splits[split]) for split in SPLITS} == {
        "train": 83,
        "validation": 5,
        "test": 3,
    }


def keyed(source: str, target: str, *templates: str) -> KeyedPair:
    return KeyedPair(
        (source, target),
        frozenset({comparison_key(source), *templates}),
        frozenset({comparison_key(target)}),
    )


@pytest.mark.parametrize(
    ("late", "reason"),
    [
        (keyed("A cat.", "Eine Katze."), "duplicate"),
        (keyed("a cat 2", "Ein Kater"), "near-duplicate in test of train"),
        (keyed("One cat", "eine Katze!"), "near-duplicate in test of train"),
        (keyed("A pet", "Ein Tier", "template"), "near-duplicate in test of train"),
    ],
)
def test_what_train_has_is_dropped_from_the_test(late: KeyedPair, reason: str) -> None:
    early = keyed("A cat.", "Eine Katze.", "template")
    kept, dropped = drop_leaks({"train": [early], "test": [late]})
    assert kept == {"train": [early.pair], "validation": [], "test": []}
    assert dropped == {reason: 1}


def test_train_keeps_near_duplicates_and_the_test_keeps_one() -> None:
    several = [keyed(f"Item {number}", f"Nummer {number}") for number in range(3)]
    assert len(drop_leaks({"train": several})[0]["train"]) == 3
    kept, dropped = drop_leaks({"test": several})
    assert len(kept["test"]) == 1
    assert dropped == {"near-duplicate in test of test": 2}
