import json
import random

import pytest

from benchmarks.data.filtering import DAMAGES, SHUFFLED, damage, find, main, measure
from components.filters.profile import UNKNOWN_PROFILE
from components.filters.registry import FILTERS, NEAR_DUPLICATES
from pipeline.corpora.folder import CorpusText, write_corpus

NOUNS = [("dog", "Hund"), ("cat", "Kater"), ("cook", "Koch"), ("boy", "Junge"), ("man", "Mann")]
VERBS = [("sees", "sieht"), ("hears", "hört"), ("greets", "grüßt"), ("finds", "findet")]
PAIRS = [
    (
        f"the {one[0]} {verb[0]} the {other[0]} and the {third[0]}.",
        f"der {one[1]} {verb[1]} den {other[1]} und den schönen {third[1]}.",
    )
    for one in NOUNS
    for verb in VERBS
    for other in NOUNS
    for third in NOUNS
]
random.Random(1).shuffle(PAIRS)
FRENCH = ["Bonjour mon ami, comment ça va aujourd'hui ?"]


@pytest.mark.parametrize("kind", [*DAMAGES, "wrong_language", NEAR_DUPLICATES, SHUFFLED])
def test_the_wanted_share_is_damaged_and_all_else_stays(kind):
    noisy, damaged = damage(PAIRS, kind, 0.1, seed=1, foreign=FRENCH)
    assert len(damaged) == 50
    assert all(noisy[place] == PAIRS[place] for place in set(range(500)) - damaged)
    assert damage(PAIRS, kind, 0.1, seed=1, foreign=FRENCH) == (noisy, damaged)


def test_every_filter_has_noise():
    assert {*DAMAGES, "wrong_language"} == set(FILTERS)


def test_filters_find_the_noise_of_their_kind():
    results = measure(PAIRS, ("en", "de"), 0.05, seed=1, foreign=FRENCH)
    assert results.keys() == {*FILTERS, NEAR_DUPLICATES, SHUFFLED}
    for kind in FILTERS:
        assert results[kind]["recall"] > 0.9, kind
        assert results[kind]["precision"] > 0.9, kind


def test_near_duplicates_are_found_among_all_pairs():
    pairs = [("One.", "Eins."), ("two", "zwei"), ("one", "eins 1")]
    assert find(pairs, [NEAR_DUPLICATES], UNKNOWN_PROFILE) == {2}


def test_the_last_line_is_json(tmp_path, capsys):
    splits = {"train": PAIRS[:300], "validation": PAIRS[300:320], "test": PAIRS[320:340]}
    write_corpus(CorpusText("mine", "en", "de", "none", "made up", splits), tmp_path / "mine")
    config = tmp_path / "mine.yaml"
    config.write_text(
        f"data: {{corpus: {tmp_path}/mine, source_language: en, target_language: de}}\n"
        "evaluation: {min_bleu: 1}\n"
    )
    main(config=str(config), workspace=str(tmp_path), share=0.05, seed=1)
    lines = capsys.readouterr().out.splitlines()
    assert "wrong_language is not measured: give --foreign." in lines
    assert json.loads(lines[-1])["filters"].keys() == {*DAMAGES, NEAR_DUPLICATES, SHUFFLED}
