from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, strategies

from serving.attention.terms import missing_terms, write_terms
from serving.attention.words import attention_of_words
from serving.contract.signatures import END_SYMBOL
from serving.contract.translation import Translation
from tests.any_text import strings
from text.characters import compose, is_visible
from text.glossary import Glossary, count_term


def translation_of(
    source: str, target: str, links: Sequence[tuple[int, int]], weight: float = 0.9
) -> Translation:
    """Makes a translation whose words attend to one source word each, or to the end symbol.

    A full stop is a token of its own, as a model's subwords are.
    """
    sources, targets = (
        (*("▁" + word for word in text.removesuffix(".").split()), ".", END_SYMBOL)
        for text in (source, target)
    )
    attention = np.zeros([len(targets), len(sources)], np.float32)
    attention[:, -1] = 1
    for column, row in links:
        attention[row, [column, -1]] = weight, 1 - weight
    return Translation(
        text=target,
        score=-1.0,
        source_tokens=sources,
        target_tokens=targets,
        attention=attention,
        truncated=False,
    )


SOURCE = "The big dog barks."
PLAIN = translation_of(SOURCE, "Der große Köter bellt.", [(0, 0), (1, 1), (2, 2), (3, 3)])
DOG = Glossary([("dog", "Hund")])


def test_a_term_replaces_the_word_that_attended_to_it() -> None:
    written = write_terms(SOURCE, PLAIN, DOG)
    assert written.text == "Der große Hund bellt."
    assert written.target_tokens == ("▁Der", "▁große", "▁Hund", "▁bellt", ".", END_SYMBOL)
    np.testing.assert_array_equal(written.attention, PLAIN.attention)
    assert missing_terms(SOURCE, written.text, DOG) == []


def test_a_term_may_replace_several_words_by_several() -> None:
    glossary = Glossary([("big dog", "Hund von Größe")])
    written = write_terms(SOURCE, PLAIN, glossary)
    assert written.text == "Der Hund von Größe bellt."
    assert written.target_tokens == ("▁Der", "▁Hund▁von▁Größe", "▁bellt", ".", END_SYMBOL)
    np.testing.assert_allclose(written.attention.sum(axis=1), 1)
    np.testing.assert_allclose(written.attention[1], PLAIN.attention[1:3].mean(axis=0))
    words = attention_of_words(SOURCE, written)
    assert words.target_words == ("Der", "Hund", "von", "Größe", "bellt.")
    np.testing.assert_allclose(words.attention[1:4, 1:3], 0.45)


@pytest.mark.parametrize(
    "target", ["Der Hund bellt.", "Dem Hunde bellt.", "Der Schäferhund bellt."]
)
def test_a_form_or_a_compound_of_the_term_stays(target: str) -> None:
    translation = translation_of("The dog barks.", target, [(0, 0), (1, 1), (2, 2)])
    assert write_terms("The dog barks.", translation, DOG) is translation


def test_a_short_term_within_another_word_is_still_lacking() -> None:
    source = "The lake has a soul."
    links = [(column, column) for column in range(5)]
    translation = translation_of(source, "Der Teich hat eine Seele.", links)
    glossary = Glossary([("lake", "See")])
    assert missing_terms(source, translation.text, glossary) == ["See"]
    assert write_terms(source, translation, glossary).text == "Der See hat eine Seele."


def test_each_term_of_a_sentence_is_written() -> None:
    glossary = Glossary([("dog", "Hund"), ("barks", "kläfft")])
    assert write_terms(SOURCE, PLAIN, glossary).text == "Der große Hund kläfft."


def test_a_term_that_stands_twice_is_written_twice() -> None:
    source = "A dog and a dog."
    translation = translation_of(source, "Ein Hund und ein Köter.", [(i, i) for i in range(5)])
    assert write_terms(source, translation, DOG).text == "Ein Hund und ein Hund."


def test_of_several_places_the_heaviest_is_replaced() -> None:
    translation = translation_of(SOURCE, "Der große Köter bellt.", [(2, 0), (1, 1), (3, 3)], 0.6)
    translation.attention[2] = [0, 0, 0.9, 0, 0, 0.1]
    assert write_terms(SOURCE, translation, DOG).text == "Der große Hund bellt."


def test_a_word_that_attended_mostly_elsewhere_is_replaced_if_none_did() -> None:
    translation = translation_of(SOURCE, "Der große Köter bellt.", [(0, 0), (1, 1), (3, 3)])
    assert missing_terms(SOURCE, write_terms(SOURCE, translation, DOG).text, DOG) == ["Hund"]
    translation.attention[2] = [0, 0, 0.2, 0, 0, 0.8]
    assert write_terms(SOURCE, translation, DOG).text == "Der große Hund bellt."


def test_the_first_word_keeps_its_capital() -> None:
    translation = translation_of("Dogs bark.", "Hunde bellen.", [(0, 0), (1, 1)])
    glossary = Glossary([("dogs", "vierbeiner")])
    assert write_terms("Dogs bark.", translation, glossary).text == "Vierbeiner bellen."


def test_a_term_in_a_text_in_capitals_is_in_capitals() -> None:
    source = "A BIG DOG."
    translation = translation_of(source, "EIN GROßER KÖTER.", [(0, 0), (1, 1), (2, 2)])
    assert write_terms(source, translation, DOG).text == "EIN GROßER HUND."


def test_a_source_without_terms_and_an_empty_translation_stay() -> None:
    assert write_terms(SOURCE, PLAIN, Glossary([("cat", "Katze")])) is PLAIN
    empty = translation_of(SOURCE, ".", [])
    assert write_terms(SOURCE, empty, DOG).text == "."


@given(strings, strings, strategies.sampled_from(["Hund", "a b", "猫", "%s"]))
def test_any_text_gets_the_term_or_stays(source: str, target: str, term: str) -> None:
    source = f"dog {compose(source)}"
    shown = (each if is_visible(each) else " " for each in compose(target))
    target = " ".join("".join(shown).split())  # as a model writes it
    length = len(source.split())
    tokens = tuple("▁" + word for word in target.split())
    translation = Translation(
        text=target,
        score=0.0,
        source_tokens=(*("▁" + word for word in source.split()), END_SYMBOL),
        target_tokens=(*tokens, END_SYMBOL),
        attention=np.full([len(tokens) + 1, length + 1], 1 / (length + 1), np.float32),
        truncated=False,
    )
    written = write_terms(source, translation, Glossary([("dog", term)]))
    assert written.attention.shape == (len(written.target_tokens), length + 1)
    np.testing.assert_allclose(written.attention.sum(axis=1), 1, rtol=1e-5)
    assert written.text == target or count_term(term, written.text)
