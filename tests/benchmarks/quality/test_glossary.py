import numpy as np

from benchmarks.quality.glossary import Accuracy, learn_terms, measure, with_placeholders
from serving.contract.translation import ScoredTranslation
from text.glossary import Glossary


def scored(source: str, target: str) -> ScoredTranslation:
    """Scores a translation whose words attend to the words at the same places."""
    sources, targets = (
        (*("▁" + word for word in text.split()), "</s>") for text in (source, target)
    )
    return ScoredTranslation(
        text=target,
        score=-1.0,
        source_tokens=sources,
        target_tokens=targets,
        attention=np.eye(len(targets), len(sources), dtype=np.float32),
        truncated=False,
        token_log_probability=np.zeros(len(targets), np.float32),
    )


def test_nouns_are_learned_with_their_translation_of_a_rank() -> None:
    targets = ["Ein Hund"] * 5 + ["Ein Köter"] * 4 + ["Ein Hunde"] * 4 + ["Ein kleiner"] * 3
    sources = ["a dog"] * len(targets)
    pairs = list(map(scored, sources, targets))
    assert learn_terms(sources, pairs, 10, rank=1) == [("dog", "Hund")]
    assert learn_terms(sources, pairs, 10, rank=2) == [("dog", "Köter")]
    assert learn_terms(sources, pairs, 10, rank=3) == []


def test_terms_are_counted_as_they_are_and_in_any_form() -> None:
    glossary = Glossary([("dog", "Hund")])
    sources = ["A dog", "The dog", "dog", "cat"]
    texts = ["Ein Hund", "Die Hunde", "Katze", "Hund"]
    assert measure(sources, texts, [glossary] * 4) == Accuracy(3, 1, 2)


def test_terms_become_placeholders() -> None:
    glossary = Glossary([("dog", "Hund"), ("cat", "Katze")])
    assert with_placeholders("A dog, a cat", glossary) == (
        "A {0}, a {1}",
        [("{1}", "Katze"), ("{0}", "Hund")],
    )
