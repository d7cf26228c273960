"""Renders the report as one HTML file without scripts or external files.

`report.html` is the page; it includes a template for each section.
"""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from components.gate.verdict import (
    CANDIDATE,
    Verdict,
    describe_difference,
    describe_judge,
    metric_name,
    slice_name,
)
from components.report.charts import length_chart, training_charts
from components.report.facts import ReportFacts
from components.report.sentences import (
    LEAST_SHOWN_WORDS,
    MOST_SHOWN_WORDS,
    choose_examples,
    doubtful,
    most_improved,
    most_worsened,
    typical,
    worst,
)
from components.report.wording import (
    counted,
    duration,
    number,
    percent,
    short,
    signed,
)
from serving.attention.diagnostics import Pattern
from serving.heatmap.labels import printable, shortened
from serving.heatmap.matrix import make_heatmap
from serving.heatmap.page import colour_rules
from serving.html.templates import render
from text.words import split_text
from trainer.scoring import best_epoch

_MEANINGS = {
    Pattern.DIAGONAL: "word by word, in order",
    Pattern.SPREAD: "many source words at once",
    Pattern.REORDERING: "few source words, in another order",
    Pattern.SPURIOUS: "punctuation, the end, or one word all the time",
}
_LISTED_SENTENCES = 15
_TYPICAL_SENTENCES = 10
_LONGEST_TEXT = 120
_MADE_FROM = ("corpus_checksum", "code_digest", "lock_digest", "seed", "machine")


def write_report(facts: ReportFacts) -> str:
    """Renders the report.

    Args:
      facts: the content of the report.

    Returns:
      A complete HTML document, which declares UTF-8 and ends with a newline.
    """
    examples = [
        (place, example, make_heatmap(example.sentence.source, example.sentence.candidate))
        for place, example in enumerate(choose_examples(facts.sentences), 1)
    ]
    found = Counter(each.diagnosis.pattern for each in facts.sentences if each.diagnosis)
    splits = facts.corpus.splits.values()
    return render(
        "components.report",
        "report.html",
        filters=_FILTERS,
        facts=facts,
        name=facts.card.get("name", "A model"),
        languages=" to ".join(filter(None, facts.languages)),
        patterns=[
            {
                "pattern": pattern,
                "meaning": meaning,
                "count": found[pattern],
                "share": found[pattern] / max(found.total(), 1),
                "examples": [each for each in examples if each[1].pattern is pattern],
            }
            for pattern, meaning in _MEANINGS.items()
        ],
        colours=colour_rules([heatmap for _, _, heatmap in examples]),
        least_words=LEAST_SHOWN_WORDS,
        most_words=MOST_SHOWN_WORDS,
        most=_LISTED_SENTENCES,
        most_typical=_TYPICAL_SENTENCES,
        best=best_epoch(facts.history) if facts.history else None,
        training_charts=training_charts(facts.history, _history(facts.live_card)),
        length_chart=length_chart(facts.verdict),
        length_buckets=sorted({bucket for counts in splits for bucket in counts.length_buckets}),
        metrics=_metrics(facts.verdict),
        card_facts=_card_facts(facts),
        configuration=_mapping(facts.card, "configuration"),
    )


def as_json(value: Mapping[str, Any]) -> str:
    """Returns a mapping as indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def excerpt(text: str) -> str:
    """Makes a text printable and short, for a cell of a table."""
    return shortened(printable(text), _LONGEST_TEXT)


def compare_words(text: str, other: str) -> list[tuple[str, bool]]:
    """Splits a text into runs of words and spaces, each with whether the other text has it too."""
    words = split_text(text)
    matcher = difflib.SequenceMatcher(a=split_text(other), b=words, autojunk=False)
    spaces = _spaces_after(words, text)
    return [
        ("".join(map(str.__add__, words[start:end], spaces[start:end])), kind == "equal")
        for kind, _, _, start, end in matcher.get_opcodes()
        if start < end
    ]


def _spaces_after(words: Sequence[str], text: str) -> list[str]:
    """Returns a space for each word of a text with one after it, else nothing."""
    place, spaces = 0, []
    for word in words:
        place = text.index(word, place) + len(word)
        spaces.append(" " if text[place : place + 1].isspace() else "")
    return spaces


_FILTERS = (
    as_json, compare_words, counted, describe_difference, describe_judge, doubtful, duration,
    excerpt, metric_name, most_improved, most_worsened, number, percent, printable, short, signed,
    slice_name, typical, worst,
)  # fmt: skip
"""Functions for the templates, by name."""


def _metrics(verdict: Verdict) -> dict[str, dict[str, float | None]]:
    """Returns the Evaluator's metrics by name, then by slice and model."""
    columns = {
        f"{slice_name(name)}, {'this' if model == CANDIDATE else 'live'}": values
        for name, models in verdict.metrics.items()
        for model, values in models.items()
    }
    metrics = dict.fromkeys(metric for values in columns.values() for metric in values)
    return {
        metric: {column: values.get(metric) for column, values in columns.items()}
        for metric in metrics
    }


def _card_facts(facts: ReportFacts) -> dict[str, Any]:
    """Returns the model's description and origin, under the names shown on the page."""
    card = facts.card
    data, model = _mapping(card, "data"), _mapping(_mapping(card, "configuration"), "model")
    shown = {
        "model": card.get("name"),
        "languages": " to ".join(filter(None, facts.languages)),
        "corpus": data.get("name", card.get("corpus")),
        "origin": data.get("origin"),
        "licence of the data": data.get("licence"),
        "attention": model.get("attention"),
        "cell": model.get("cell"),
    }
    shown |= {
        name.replace("_", " "): number(value, 0) if isinstance(value, int | float) else value
        for name, value in _mapping(card, "sizes").items()
    }
    shown |= {name.replace("_", " "): card.get(name, "not recorded") for name in _MADE_FROM}
    return {name: value for name, value in shown.items() if value}


def _mapping(card: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = card.get(name)
    return value if isinstance(value, dict) else {}


def _history(card: Mapping[str, Any]) -> list[Mapping[str, float]]:
    """Returns the training history in a model card; older cards may have none."""
    history = card.get("history")
    if not isinstance(history, list):
        return []
    return [
        entry
        for entry in history
        if isinstance(entry, dict) and {"epoch", "validation_bleu"} <= entry.keys()
    ]
