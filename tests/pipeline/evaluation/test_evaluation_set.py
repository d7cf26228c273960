from pathlib import Path

import pytest

from pipeline.config.settings import PipelineConfig, load_config
from pipeline.corpora.folder import CorpusText, write_corpus
from pipeline.errors import UserError
from pipeline.evaluation.evaluation_set import set_of_split, set_of_texts
from pipeline.workspace import Workspace
from tests.pipeline.evaluation.texts import MORE_REFERENCES, REFERENCES, SOURCES


def config(*overrides: str) -> PipelineConfig:
    return load_config("debian", ["data.corpus=own", *overrides])


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    rows = [
        (source, reference, "tools" if place % 2 else "")
        for place, (source, reference) in enumerate(zip(SOURCES, REFERENCES, strict=True))
        if source
    ]
    splits = {"train": rows[:1], "validation": rows[:2], "test": rows}
    text = CorpusText("own", "en", "de", "CC0", "made up", splits, features=("section",))
    write_corpus(text, tmp_path / "corpora/own")
    return Workspace(str(tmp_path))


def test_own_texts_are_sliced_by_the_words_of_the_source() -> None:
    texts = set_of_texts(SOURCES, [REFERENCES, MORE_REFERENCES])
    buckets = [name for (name,) in texts.slices]
    assert buckets[:4] == [
        *(f"length_bucket={bucket}" for bucket in ("01-10", "11-20", "01-10", "21-30"))
    ]
    assert texts.references[2] == ("Spielt Musik ab.", "Gibt Musik wieder.")


def test_an_empty_source_is_in_the_shortest_bucket() -> None:
    assert set_of_texts(["", "Plays music."], [["", ""]]).slices == [("length_bucket=01-10",)] * 2


def test_references_without_sources_have_no_slices() -> None:
    texts = set_of_texts(None, [REFERENCES])
    assert texts.sources is None
    assert set(texts.slices) == {()}


def test_a_split_has_the_slices_of_the_gate(workspace: Workspace) -> None:
    texts = set_of_split(config("evaluation.slice_features=[section]"), workspace, "test")
    assert texts.sources == [source for source in SOURCES if source]
    assert texts.slices[:2] == [
        ("length_bucket=01-10", "section=unknown"),
        ("length_bucket=11-20", "section=tools"),
    ]
    assert len(set_of_split(config(), workspace, "validation").references) == 2


def test_lines_that_the_gate_never_sees_are_left_out(workspace: Workspace) -> None:
    texts = set_of_split(config("data.max_words=10"), workspace, "test")
    assert set(texts.slices) == {("length_bucket=01-10",)}


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("data.corpus=none", "There is no corpus in .*none"),
        ("data.corpus=gs://bucket/own", "gs://bucket/own is remote"),
        ("evaluation.slice_features=[domain]", "has no feature domain .it has section"),
    ],
)
def test_a_corpus_that_cannot_be_read_is_the_users_to_fix(
    workspace: Workspace, override: str, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        set_of_split(config(override), workspace, "test")
