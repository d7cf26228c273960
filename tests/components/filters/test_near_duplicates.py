from components.filters.near_duplicates import ShardHashes, near_duplicates, pair_hash


def shard(place: int, path: str, *pairs: tuple[str, str]) -> ShardHashes:
    hashes = ShardHashes(place, path)
    for line, pair in enumerate(pairs, start=1):
        hashes.add(line, *pair)
    return hashes


def test_pairs_with_other_case_digits_and_punctuation_are_alike():
    assert pair_hash("Page 1.", "Seite 1") == pair_hash("page 23", "SEITE 9!")
    assert pair_hash("Save", "Sichern") != pair_hash("Save", "Speichern")


def test_the_first_of_the_corpus_stays_in_any_order_of_the_shards():
    first = shard(0, "z.tsv", ("one", "eins"), ("two", "zwei"))
    second = shard(1, "a.tsv", ("Two!", "zwei"), ("three", "drei"), ("One", "eins"))
    expected = {"a.tsv": {1, 3}}
    assert near_duplicates([first, second]) == expected
    assert near_duplicates([second, first]) == expected


def test_a_corpus_without_pairs_has_none():
    assert near_duplicates([]) == {}
    assert near_duplicates([shard(0, "a.tsv")]) == {}
