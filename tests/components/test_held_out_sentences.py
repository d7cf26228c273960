from pathlib import Path

import pytest

from components.held_out_sentences import NOTHING_HELD_OUT, held_out_sentences, is_held_out


@pytest.fixture
def shards(tmp_path: Path) -> dict[str, list[str]]:
    (tmp_path / "span-1").mkdir()
    texts = {
        "train-0.tsv": "In train\tIm Training\n",
        "test-0.tsv": "One cat.\tEine Katze.\tpets\nalone\n\tohne\n",
        "span-1/validation-0.tsv": "Two dogs\tZwei Hunde\n",
        "span-1/test-0.tsv.gz": "damaged",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return {
        "train": [str(tmp_path / "train-0.tsv")],
        "validation": [str(tmp_path / "span-1/validation-0.tsv")],
        "test": [str(tmp_path / "test-0.tsv"), str(tmp_path / "span-1/test-0.tsv.gz")],
    }


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (b"one CAT 2", b"x", True),
        (b"x", b"zwei hunde!", True),
        (b"Eine Katze", b"One cat", False),
        (b"In train", b"Im Training", False),
        (b"alone", b"ohne", False),
        (b"\xff", b"", False),
    ],
)
def test_both_sides_of_validation_and_test_are_held_out(
    shards: dict[str, list[str]], source: bytes, target: bytes, expected: bool
) -> None:
    assert is_held_out(source, target, held_out_sentences(shards, 1000)) == expected


def test_a_corpus_without_spans_was_split_without_overlap(shards: dict[str, list[str]]) -> None:
    shards = {
        split: [path for path in paths if "span" not in path] for split, paths in shards.items()
    }
    assert held_out_sentences(shards, 1000) == NOTHING_HELD_OUT
