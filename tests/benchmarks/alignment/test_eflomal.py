import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.alignment.by_kind import BY_NAME, KINDS, Aligned, report
from benchmarks.alignment.eflomal import (
    Agreement,
    Reference,
    agreement,
    hard,
    reference_links,
    shifted,
    soft,
)
from benchmarks.common.task import ParallelText
from pipeline.config.settings import load_config
from pipeline.errors import RunFailedError
from serving.attention.words import attention_of_words
from tests.benchmarks.made_up import made_up_system
from tests.serving.heatmap.chapter import SOURCE, TARGET, WEIGHTS, make_translation

DIAGONAL = frozenset((number, number) for number in range(6))
REFERENCE = Reference(DIAGONAL, DIAGONAL | {(1, 0)})
CHAPTER = replace(make_translation(SOURCE, TARGET, WEIGHTS), text=" ".join(TARGET))
WORDS = attention_of_words(" ".join(SOURCE), CHAPTER)


def weighted(*links):
    return dict.fromkeys(links, 1.0)


def test_the_sure_links_alone_make_no_error():
    agreed = agreement([weighted(*DIAGONAL)], [REFERENCE])
    assert (agreed.precision, agreed.recall, agreed.error_rate) == (1, 1, 0)


def test_a_possible_link_is_no_error_and_a_missing_sure_one_is():
    agreed = agreement([weighted((0, 0), (1, 0))], [REFERENCE])
    assert (agreed.precision, agreed.recall) == (1, 1 / 6)
    # 1 - (1 + 2) / (2 + 6)
    assert agreed.error_rate == pytest.approx(0.625)


def test_no_links_at_all_are_all_error():
    assert agreement([{}], [REFERENCE]).error_rate == 1


def test_weights_count_as_parts_of_links():
    only = frozenset({(0, 0)})
    agreed = agreement([{(0, 0): 0.75, (5, 0): 0.25}], [Reference(only, only)])
    assert (agreed.precision, agreed.recall) == (0.75, 0.75)
    assert agreed.error_rate == pytest.approx(1 - 1.5 / 2)


def test_the_table_of_the_course_material_is_aligned_without_error():
    assert agreement([hard(WORDS)], [REFERENCE]).error_rate == 0
    assert agreement([soft(WORDS)], [REFERENCE]).precision == pytest.approx(
        (WEIGHTS.trace() + WEIGHTS[0, 1]) / WEIGHTS.sum(), abs=1e-6
    )


@pytest.mark.parametrize("rows", [-1, 1])
def test_another_row_is_another_alignment(rows):
    moved = attention_of_words(" ".join(SOURCE), shifted(CHAPTER, rows))
    assert agreement([hard(moved)], [REFERENCE]).error_rate > 0.5


def test_no_row_further_is_the_same_attention():
    np.testing.assert_array_equal(shifted(CHAPTER, 0).attention, CHAPTER.attention)


STUB = """#!{python}
import sys
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
lines = open(options["-s"], encoding="utf-8").read().splitlines()
assert lines == ["known pair", "the cat sleeps .", "(empty)"], lines
assert open(options["-t"], encoding="utf-8").read().splitlines()[1] == "die katze schläft ."
open(options["-f"], "w").write("0-0\\n0-0 1-1 3-3\\n0-0\\n")
open(options["-r"], "w").write("0-0\\n0-0 2-1 2-2 3-3\\n\\n")
"""


def program(tmp_path: Path, text: str) -> str:
    path = tmp_path / "eflomal-align"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_links_of_tokens_become_links_of_words_without_punctuation(tmp_path):
    executable = program(tmp_path, STUB.format(python=sys.executable))
    known = ParallelText(["known pair"], ["bekanntes Paar"])
    sources, targets = ["The cat sleeps.", ""], ["Die Katze schläft.", ""]
    first, second = reference_links(executable, known, sources, targets)
    assert first.sure == {(0, 0)}
    assert first.possible == {(0, 0), (1, 1), (2, 1), (2, 2)}
    assert second == Reference(frozenset(), frozenset())


def test_an_aligner_that_fails_is_a_sentence_with_its_words(tmp_path):
    executable = program(tmp_path, "#!/bin/sh\necho no memory >&2\nexit 3\n")
    with pytest.raises(RunFailedError, match="no memory"):
        reference_links(executable, ParallelText([], []), ["a"], ["b"])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_of_model_is_one_that_can_be_trained(kind):
    model = load_config("multi30k", kind.overrides).model
    assert (model.cell, model.attention) == (kind.cell, kind.attention)
    assert model.attend_embeddings == kind.attends_embeddings


def test_the_kinds_are_reported_with_each_way_to_link():
    found = Agreement(precision=0.75, recall=0.5, error_rate=0.25, links=10)
    aligned = [
        Aligned(kind, made_up_system(kind.name), {"hard": found, "soft": found})
        for kind in (BY_NAME["lstm-bahdanau"], BY_NAME["gru-bahdanau-states"])
    ]
    text = report("captions", aligned, "a command", "one at a time")
    row = r"lstm, bahdanau +\| +30.00 \| +1" + 2 * r" \| +75.0 % \| +50.0 % \| +25.0 %"
    assert re.search(row, text)
    assert "| gru, bahdanau, states alone |" in text
    assert text.startswith("# Attention as word alignment, by the kind of model: captions\n")
    assert "`a command`" in text
