from pathlib import Path

import pytest

from pipeline.corpora.folder import CorpusText, write_corpus
from pipeline.corpora.mixing import mix_corpora
from pipeline.corpora.text import Row
from pipeline.errors import UserError


def write(folder: Path, target_language: str = "de", pairs: int = 40, **extra: list[Row]) -> Path:
    """Writes a corpus whose sentences are named after it."""
    name = folder.name

    def rows(split: str, count: int) -> list[Row]:
        letters = [f"{first}{second}" for first in "abcdefghij" for second in "abcdefghij"]
        return [(f"{name} {split} {each}", f"{name} {split} {each}") for each in letters[:count]]

    splits = {"train": rows("train", pairs), "validation": rows("dev", 3), "test": rows("test", 4)}
    write_corpus(
        CorpusText(
            name=name,
            source_language="en",
            target_language=target_language,
            licence="any",
            origin="made",
            splits={split: own + extra.get(split, []) for split, own in splits.items()},
        ),
        folder,
    )
    return folder


def of(corpus: CorpusText, split: str) -> dict[str, int]:
    """Counts the pairs of a split by the corpus that they are from."""
    counts: dict[str, int] = {}
    for _, _, name in corpus.splits[split]:
        counts[name] = counts.get(name, 0) + 1
    return counts


@pytest.fixture
def law(tmp_path: Path) -> Path:
    return write(tmp_path / "law")


def test_training_has_a_share_of_general_pairs_and_the_test_has_all(
    law: Path, tmp_path: Path
) -> None:
    news = write(tmp_path / "news", pairs=100)
    mixed = mix_corpora("mixed", law, news, 0.2)
    assert of(mixed, "train") == {"law": 40, "news": 10}
    assert of(mixed, "validation") == {"law": 3}
    assert of(mixed, "test") == {"law": 4, "news": 4}
    assert mixed.features == ("corpus",)
    assert mixed.licence == "law: any; news: any"


def test_the_seed_chooses_the_pairs(law: Path, tmp_path: Path) -> None:
    news = write(tmp_path / "news", pairs=100)
    first, same, other = (mix_corpora("m", law, news, 0.2, seed).splits for seed in (1, 1, 2))
    assert first == same
    assert first != other


def test_too_few_general_pairs_are_all_taken(law: Path, tmp_path: Path) -> None:
    news = write(tmp_path / "news", pairs=5)
    assert of(mix_corpora("mixed", law, news, 0.5), "train") == {"law": 40, "news": 5}


def test_training_loses_what_the_test_of_the_other_corpus_holds(law: Path, tmp_path: Path) -> None:
    leak = [("law test aa", "law test aa"), ("law train aa", "law train aa")]
    news = write(tmp_path / "news", pairs=5, train=leak[:1], test=leak[1:])
    mixed = mix_corpora("mixed", law, news, 0.5)
    assert of(mixed, "train") == {"law": 39, "news": 5}
    assert sum(mixed.dropped.values()) == 2


@pytest.mark.parametrize("share", [0, 1, -0.5])
def test_a_share_is_between_0_and_1(law: Path, share: float) -> None:
    with pytest.raises(UserError, match="--share must be above 0 and below 1"):
        mix_corpora("mixed", law, law, share)


def test_other_languages_are_refused(law: Path, tmp_path: Path) -> None:
    news = write(tmp_path / "news", target_language="fr")
    with pytest.raises(UserError, match="target_language of law is de, but that of news is fr"):
        mix_corpora("mixed", law, news, 0.2)


def test_a_corpus_is_not_mixed_with_itself_and_not_with_spans(law: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="law cannot be mixed with itself"):
        mix_corpora("mixed", law, law, 0.2)
    news = write(tmp_path / "news")
    (news / "span-1").mkdir()
    with pytest.raises(UserError, match="news has spans"):
        mix_corpora("mixed", law, news, 0.2)
