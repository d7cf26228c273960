from components.filters.profile import UNKNOWN_PROFILE, measure_profile, scripts_of

PAIRS = [("the dog sees the cat", "der Hund sieht die Katze")] * 6


def test_letters_are_counted_by_script():
    assert scripts_of("abc, дом 漢字かな 12") == {"LATIN": 3, "CYRILLIC": 3, "CJK": 4}
    assert not scripts_of("12 !")


def test_a_script_is_usual_if_it_is_the_main_one_of_a_tenth_of_the_texts():
    pairs = [("cat", "кошка")] * 8 + [("cat", "мачка")] * 2 + [("cat", "macka")] * 2
    assert measure_profile(pairs).scripts == ({"LATIN"}, {"CYRILLIC", "LATIN"})
    assert measure_profile([*pairs * 9, ("cat", "猫")]).scripts[1] == {"CYRILLIC", "LATIN"}


def test_the_usual_ratio_is_that_of_the_pairs():
    assert measure_profile(PAIRS).length_ratio == 24 / 20


def test_common_words_are_frequent_on_one_side():
    shared = [("in the house", "in dem Haus")] * 6
    ours, theirs = measure_profile(PAIRS + shared).common_words
    assert "the" in ours
    assert "der" in theirs
    assert "in" not in ours | theirs
    assert not measure_profile(PAIRS[:2]).common_words[0]


def test_a_corpus_without_pairs_has_an_unknown_profile():
    assert measure_profile([]) == UNKNOWN_PROFILE
