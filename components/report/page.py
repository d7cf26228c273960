"""The report as one file: it loads nothing and runs nothing, and opens from disk."""

from __future__ import annotations

from components.report.attention_section import heatmaps, patterns_table
from components.report.card_section import card_section
from components.report.data_section import coverage_section, data_section
from components.report.facts import ReportFacts
from components.report.markup import Html, join, tag
from components.report.sentence_section import (
    comparison_section,
    doubtful_section,
    worst_section,
)
from components.report.sentences import (
    LEAST_SHOWN_WORDS,
    MOST_SHOWN_WORDS,
    choose_examples,
)
from components.report.style import STYLE
from components.report.training_section import training_section
from components.report.verdict_section import (
    decision,
    scores_section,
    tiles,
    verdict_section,
)
from serving.heatmap.matrix import Heatmap
from serving.heatmap.table import colour_rules

_POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)
_VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">'


def write_report(facts: ReportFacts) -> str:
    """Writes the report.

    Args:
      facts: of the run.

    Returns:
      HTML, whole, ending with a newline; UTF-8 is declared.
    """
    attention, drawn = _attention(facts)
    sections = [
        ("verdict", "Verdict", verdict_section(facts)),
        ("scores", "Scores", scores_section(facts)),
        ("training", "Training", training_section(facts)),
        ("corpus", "Corpus", data_section(facts)),
        ("vocabulary", "Vocabulary", coverage_section(facts)),
        ("attention", "Attention", attention),
        ("sentences", "Sentences to read", _sentences(facts)),
        ("live", "Against the live model", comparison_section(facts)),
        ("card", "Model card", card_section(facts)),
    ]
    name = str(facts.card.get("name", "A model"))
    languages = " to ".join(filter(None, facts.languages))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        Html(_POLICY),
        Html(_VIEWPORT),
        tag("title", f"{name}: model report"),
        Html(f"<style>\n{STYLE}{colour_rules(drawn)}</style>"),
    )
    header = tag(
        "header",
        tag("h1", name),
        tag("p", "Model report", f", {languages}" if languages else None, class_="subtitle"),
        decision(facts),
        tiles(facts),
        tag(
            "nav",
            tag("ul", [tag("li", tag("a", title, href=f"#{key}")) for key, title, _ in sections]),
            aria_label="Sections",
        ),
    )
    main = tag(
        "main",
        _notes(facts),
        [
            tag("section", tag("h2", title, id=key), content, aria_labelledby=key)
            for key, title, content in sections
        ],
    )
    body = tag("body", header, main, tag("footer", tag("p", _how_sampled(facts))))
    return f'<!doctype html>\n<html lang="en">{head}{body}</html>\n'


def _notes(facts: ReportFacts) -> Html | None:
    if not facts.notes:
        return None
    return tag("ul", [tag("li", note) for note in facts.notes], class_="note")


def _attention(facts: ReportFacts) -> tuple[Html, list[Heatmap]]:
    if not facts.sentences:
        return tag("p", "Nothing was translated, so there is nothing to show."), []
    shown, drawn = heatmaps(facts, choose_examples(facts.sentences))
    text = (
        "Each row is a word of the translation and sums to 1; each column a word of the source, "
        "the last one its end. serving/attention/diagnostics.py tells the patterns apart. "
        "The sentences below show theirs most clearly, of those with "
        f"{LEAST_SHOWN_WORDS} to {MOST_SHOWN_WORDS} words on both sides."
    )
    legend = tag(
        "div", "weight 0 ", tag("span", class_="strip"), " 1", class_="strip-legend",
        aria_hidden="true",
    )  # fmt: skip
    return join(patterns_table(facts), tag("p", text, class_="note"), legend, shown), drawn


def _sentences(facts: ReportFacts) -> Html:
    if not facts.sentences:
        return tag("p", "Nothing was translated, so there is nothing to show.")
    return join(
        tag("h3", "Farthest from their references"),
        tag(
            "p",
            "By chrF of the single sentence. Some of them are right in other words.",
            class_="note",
        ),
        worst_section(facts),
        tag("h3", "Suspicious without a look at the reference"),
        tag(
            "p",
            "What nmt diagnose would list: the least probable translations whose attention is "
            "spread or spurious, or leaves words out.",
            class_="note",
        ),
        doubtful_section(facts),
    )


def _how_sampled(facts: ReportFacts) -> str:
    sample = facts.sample
    if sample.is_whole:
        return (
            f"Sentences, heatmaps and coverage are of the whole test split, {sample.total:,} "
            "sentences. Scores and checks are the Evaluator's."
        )
    return (
        f"Sentences, heatmaps and coverage are of a sample of {len(sample.pairs):,} of the "
        f"{sample.total:,} test sentences (seed {sample.seed}). Scores and checks are the "
        "Evaluator's, of all of them."
    )
