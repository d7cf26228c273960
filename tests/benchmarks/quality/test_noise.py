from pathlib import Path

import pytest

from benchmarks.common.protocols import Score
from benchmarks.common.task import Task
from benchmarks.quality.noise import CLEAN, FILTERED, NOISY, Measured, report, write_noisy_corpus
from pipeline.config.settings import load_config
from pipeline.corpora.folder import CorpusText, write_corpus

PAIRS = [
    (f"the {one} sees the {other} and {n} cats.", f"der {two} sieht den {third} für {n} Katzen.")
    for one, two in [("dog", "Hund"), ("cook", "Koch")]
    for other, third in [("boy", "Jungen"), ("man", "Mann")]
    for n in range(20)
]


@pytest.fixture
def task(tmp_path: Path) -> Task:
    clean = tmp_path / "clean"
    write_corpus(
        CorpusText(
            name="clean",
            source_language="en",
            target_language="de",
            licence="",
            origin="",
            splits={"train": PAIRS[:60], "validation": PAIRS[60:70], "test": PAIRS[70:]},
        ),
        clean,
    )
    return Task("multi30k", (), load_config("multi30k", []), str(clean), str(tmp_path))


def test_damaged_copies_of_each_kind_are_added_to_the_clean_pairs(task, tmp_path):
    counts = write_noisy_corpus(task, tmp_path / "noisy", 0.1, 1, ["Bonjour mon ami."])
    noisy = Task("multi30k", (), task.config, str(tmp_path / "noisy"), "").read("train")
    pairs = list(zip(noisy.sources, noisy.targets, strict=True))
    assert counts == (60, 66)  # eleven kinds, of 6 each
    assert len(pairs) > 110  # a few of them are as malformed as the pipeline rejects
    assert set(PAIRS[:60]) <= set(pairs)
    assert any(target == "Bonjour mon ami." for _, target in pairs)
    assert pairs[:60] != PAIRS[:60]


def test_validation_and_test_stay_clean(task, tmp_path):
    write_noisy_corpus(task, tmp_path / "noisy", 0.1, 1, ["Bonjour mon ami."])
    noisy = Task("multi30k", (), task.config, str(tmp_path / "noisy"), "")
    for split in ("validation", "test"):
        assert noisy.read(split) == task.read(split)


def test_the_report_compares_with_the_noisy_system():
    measured = {
        CLEAN: Measured(Score(36.1, "tok:13a"), 1200, 0.001),
        NOISY: Measured(Score(33.25, "tok:13a"), 1800, 1.0),
        FILTERED: Measured(Score(36.0, "tok:13a"), 1210, 0.002),
    }
    text = report("multi30k", measured, 29_000, 15_950, 0.05, "python -m benchmarks.x", "2 cores")
    assert "| with noise | 1,800 | 33.25 | |" in " ".join(text.split())
    assert "| with noise, filtered | 1,210 | 36.00 | 0.002 |" in " ".join(text.split())
    for part in ("29,000 pairs", "15,950 damaged", "5.0 %", "tok:13a", "2 cores"):
        assert part in text
