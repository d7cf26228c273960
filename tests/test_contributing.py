"""Follows docs/contributing.md: adds each example to its registry and uses it."""

import sys
import types

import numpy as np
import pytest
import tensorflow as tf
from pydantic import Field, create_model

from components.filters.profile import UNKNOWN_PROFILE
from components.filters.registry import FILTERS, PairFilters
from components.gate import checks
from components.gate.checks import GateCheck
from components.gate.eval_config import evaluation_config
from components.gate.settings import GateSettings
from pipeline import cli
from pipeline.commands.lazy import LazyCommand
from pipeline.corpora import catalogue
from pipeline.corpora.formats import registry
from pipeline.corpora.formats.finding import find_text
from pipeline.corpora.formats.text_file import Reading
from pipeline.corpora.shipped import FIXED, FixedCorpus
from pipeline.errors import UserError
from tests.documentation import ROOT, blocks
from trainer.attention_kinds import ATTENTION_KINDS, AttentionKind, make_attention
from trainer.settings import ModelSettings

(
    COSINE,
    COSINE_ROW,
    BOUND,
    CHECK_ROW,
    PROVERBS,
    PROVERBS_ROW,
    JSON_LINES,
    JSON_LINES_ROW,
    SHOUTING,
    SHOUTING_ROW,
    LANGUAGES,
    LANGUAGES_ROW,
) = (block.text for block in blocks(ROOT / "docs/contributing.md") if block.language == "python")


@pytest.fixture
def as_module(monkeypatch):
    """Makes an importable module from an example."""

    def make(name, source):
        module = types.ModuleType(name)
        exec(compile(source, name, "exec"), module.__dict__)
        monkeypatch.setitem(sys.modules, name, module)

    return make


def test_the_example_of_attention_attends(as_module, monkeypatch):
    as_module("trainer.cosine_attention", COSINE)
    [(name, kind)] = eval(f"{{{COSINE_ROW}}}", {"AttentionKind": AttentionKind}).items()
    monkeypatch.setitem(ATTENTION_KINDS, name, kind)
    settings = ModelSettings.model_construct(attention=name)
    attention = make_attention(settings, np.random.default_rng(1), query_units=5, state_units=7)
    states = tf.random.stateless_normal([3, 6, 7], seed=[1, 2])
    queries = tf.random.stateless_normal([3, 4, 5], seed=[3, 4])
    memory = attention.remember(states, states[:, 0], tf.sequence_mask([6, 3, 1], 6))
    context, weights = attention(queries, memory)
    assert context.shape == [3, 4, 7]
    np.testing.assert_allclose(tf.reduce_sum(weights, axis=-1), np.ones([3, 4]), rtol=1e-5)
    assert not np.any(weights[1, :, 3:])


def test_the_example_of_a_check_becomes_a_threshold(monkeypatch):
    key, _, field = BOUND.partition("\n")[0].partition(": float = ")
    row = eval(CHECK_ROW, {"GateCheck": GateCheck})
    assert row.setting == key
    bounds = create_model(
        "Bounds", __base__=GateSettings, **{key: (float, eval(field, {"Field": Field}))}
    )
    monkeypatch.setattr(checks, "CHECKS", (*checks.CHECKS, row))
    [specification] = evaluation_config(bounds(max_loops=0.25)).metrics_specs
    [threshold] = [
        metric.per_slice_thresholds[0].threshold.value_threshold
        for metric in specification.metrics
        if '"repeated_loops"' in metric.config and metric.per_slice_thresholds
    ]
    assert threshold.upper_bound.value == 0.25


def test_the_example_of_a_corpus_is_made(as_module, monkeypatch, tmp_path):
    as_module("pipeline.corpora.proverbs", PROVERBS)
    [(name, corpus)] = eval(f"{{{PROVERBS_ROW}}}", {"FixedCorpus": FixedCorpus}).items()
    monkeypatch.setitem(FIXED, name, corpus)
    words = ["apple", "bread", "cloud", "dream", "earth", "flame"]
    lines = [f"The {word} is old.\tSo alt ist {word}.\n" for word in words]
    (tmp_path / "proverbs.tsv").write_text("".join(lines), encoding="utf-8")
    made = catalogue.make_corpus(name, tmp_path, source=tmp_path / "proverbs.tsv")
    assert (made.name, made.licence) == ("proverbs", "CC0")
    assert catalogue.prepare_corpus(name, tmp_path).target_language == "de"


def test_the_example_of_a_file_format_is_imported(as_module, monkeypatch, tmp_path):
    as_module("pipeline.corpora.formats.jsonl", JSON_LINES)
    (row,) = eval(f"({JSON_LINES_ROW})", {"jsonl": sys.modules["pipeline.corpora.formats.jsonl"]})
    monkeypatch.setattr(registry, "FORMATS", (*registry.FORMATS, row))
    (tmp_path / "a.jsonl").write_text('{"source": "one", "target": "eins"}\n', encoding="utf-8")
    [text], _ = find_text(tmp_path, Reading())
    assert list(text.read(Reading())) == [(1, ("one", "eins"))]
    (tmp_path / "a.jsonl").write_text("[]\n", encoding="utf-8")
    with pytest.raises(UserError, match="Line 1 of .* has no source and target"):
        list(text.read(Reading()))


def test_the_example_of_a_filter_finds_pairs(as_module, monkeypatch):
    as_module("components.filters.shouting", SHOUTING)
    [(name, place)] = eval(SHOUTING_ROW).items()
    monkeypatch.setitem(FILTERS, name, place)
    filters = PairFilters([name], UNKNOWN_PROFILE)
    assert filters.find("STOP", "Halt") == ("shouting", "capitals")
    assert filters.find("STOP", "HALT") is None


def test_the_example_of_a_command_runs(as_module, monkeypatch, capsys):
    as_module("pipeline.commands.languages", LANGUAGES)
    row = eval(LANGUAGES_ROW, {"LazyCommand": LazyCommand})
    monkeypatch.setattr(cli, "_LAZY_COMMANDS", (*cli._LAZY_COMMANDS, row))
    assert cli.main(["languages", "--config", "multi30k"]) == 0
    assert capsys.readouterr().out == "en to de\n"
