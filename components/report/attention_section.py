"""What the model looks at: the share of each pattern, and heatmaps that show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from components.report.facts import ReportFacts
from components.report.markup import Html, join, table, tag
from components.report.sentences import Example
from components.report.wording import number, percent
from serving.attention.diagnostics import Pattern
from serving.heatmap.matrix import Heatmap, make_heatmap
from serving.heatmap.table import draw_table

_MEANINGS = {
    Pattern.DIAGONAL: "word by word, in order",
    Pattern.SPREAD: "many source words at once",
    Pattern.REORDERING: "few source words, in another order",
    Pattern.SPURIOUS: "punctuation, the end, or one word all the time",
}
_MOST_LEVEL_COLUMNS = 5
"""Heatmaps stand side by side here, so most have their headings turned."""


def patterns_table(facts: ReportFacts) -> Html:
    """Writes how many translations of the sample have each pattern."""
    found = Counter(
        sentence.diagnosis.pattern for sentence in facts.sentences if sentence.diagnosis is not None
    )
    shares = {pattern: found[pattern] / max(found.total(), 1) for pattern in Pattern}
    rows = [
        (
            _badge(pattern),
            _MEANINGS[pattern],
            number(found[pattern], 0),
            percent(share),
            tag("span", class_="bar", style=f"width: {100 * share:.1f}%"),
        )
        for pattern, share in shares.items()
    ]
    drawn = tag("span", "the share as a bar", class_="unseen")
    head = ("pattern", "what the target words look at", "sentences", "share", drawn)
    return table("Patterns of attention in the sample", head, rows, numbers=(2, 3))


def heatmaps(facts: ReportFacts, examples: Sequence[Example]) -> tuple[Html, list[Heatmap]]:
    """Writes the heatmaps of examples.

    Returns:
      The heatmaps under the heading of their pattern, and what they show, for the colours of the
      page.
    """
    drawn: list[Heatmap] = []
    groups: list[Html] = []
    for pattern in Pattern:
        chosen = [example for example in examples if example.pattern is pattern]
        figures = []
        for example in chosen:
            drawn.append(make_heatmap(example.sentence.source, example.sentence.candidate))
            figures.append(_figure(facts, example, drawn[-1], len(drawn)))
        nothing = "No sentence of the sample that is short enough to be shown has this pattern."
        groups.append(
            join(
                tag("h3", _badge(pattern), " ", _MEANINGS[pattern]),
                tag("div", figures, class_="heatmaps")
                if figures
                else tag("p", nothing, class_="note"),
            )
        )
    return join(groups), drawn


def _figure(facts: ReportFacts, example: Example, heatmap: Heatmap, place: int) -> Html:
    source, target = facts.languages
    sentence, diagnosis = example.sentence, example.sentence.diagnosis
    assert diagnosis is not None, "an example has a pattern"
    measures = diagnosis.measures
    written = draw_table(
        heatmap,
        caption=(
            f"Heatmap {place}: entropy {measures.entropy:.2f}, "
            f"monotonicity {measures.monotonicity:.2f}, astray {measures.astray:.2f}"
        ),
        caption_id=f"heatmap-{place}",
        source_language=source,
        target_language=target,
        most_level_columns=_MOST_LEVEL_COLUMNS,
    )
    return tag(
        "figure",
        tag(
            "figcaption",
            tag("span", sentence.source, lang=source, dir="auto", class_="source"),
            tag("span", sentence.candidate.text, lang=target, dir="auto"),
            tag("span", "reference: ", tag("span", sentence.reference, lang=target, dir="auto"),
                class_="faint"),
        ),
        tag(
            "div",
            Html(written),
            class_="scroll heatmap",
            role="region",
            aria_labelledby=f"heatmap-{place}",
            tabindex=0,
        ),
    )  # fmt: skip


def _badge(pattern: Pattern) -> Html:
    return tag("span", str(pattern), class_=f"badge {pattern}")
