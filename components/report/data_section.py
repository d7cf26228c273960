"""What the model was made from: the corpus, its rejected lines, and the vocabulary."""

from __future__ import annotations

from components.report.facts import ReportFacts
from components.report.markup import Html, details, join, table, tag
from components.report.wording import number, percent
from serving.heatmap.labels import printable, shortened

_SPLITS = ("train", "validation", "test")
_LONGEST_TEXT = 120


def data_section(facts: ReportFacts) -> Html:
    """Writes the counts of the corpus, what was rejected, and how the vocabulary covers it."""
    return join(_splits(facts), _lengths(facts), _repetitions(facts), _rejected(facts))


def coverage_section(facts: ReportFacts) -> Html:
    """Writes how well the vocabulary covers the sample, by side."""
    if not facts.coverage:
        return tag("p", "It was not measured, because nothing was translated.")
    rows = [
        (
            side,
            number(coverage.words, 0),
            number(coverage.subwords_per_word),
            percent(coverage.whole_words / max(coverage.words, 1)),
            percent(coverage.bytes / max(coverage.subwords, 1), 2),
            percent(coverage.unknown / max(coverage.subwords, 1), 2),
        )
        for side, coverage in facts.coverage.items()
    ]
    head = ("side", "words", "subwords per word", "words in one piece", "bytes", "unknown")
    split = [
        (
            tag("dt", side),
            tag(
                "dd",
                ", ".join(f"{printable(word)} ({pieces})" for word, pieces in coverage.most_split),
            ),
        )
        for side, coverage in facts.coverage.items()
        if coverage.most_split
    ]
    return join(
        table("Vocabulary coverage of the sample", head, rows, numbers=range(1, len(head))),
        tag(
            "p",
            "Words are divided by white space, punctuation included. A character that the "
            "vocabulary lacks is spelled in bytes, so nothing is unknown; the shares are of "
            "subwords.",
            class_="note",
        ),
        (tag("p", "Cut into most pieces:"), tag("dl", split, class_="facts")) if split else None,
    )


def _splits(facts: ReportFacts) -> Html:
    counts = facts.corpus.splits
    rows = [
        (
            split,
            number(counts[split].accepted, 0),
            number(counts[split].source_words, 0),
            number(counts[split].target_words, 0),
            number(counts[split].source_words / max(counts[split].accepted, 1), 1),
            number(counts[split].target_words / max(counts[split].accepted, 1), 1),
            number(counts[split].rejected.total(), 0),
        )
        for split in _SPLITS
        if split in counts
    ]
    head = (
        "split", "pairs", "source words", "target words", "source words per pair",
        "target words per pair", "rejected lines",
    )  # fmt: skip
    return table("The corpus", head, rows, numbers=range(1, 7))


def _lengths(facts: ReportFacts) -> Html:
    counts = facts.corpus.splits
    splits = [split for split in _SPLITS if split in counts]
    buckets = sorted({bucket for split in splits for bucket in counts[split].length_buckets})
    rows = [
        (
            bucket,
            *(
                percent(counts[split].length_buckets[bucket] / max(counts[split].accepted, 1))
                for split in splits
            ),
        )
        for bucket in buckets
    ]
    return details(
        "Sentence lengths",
        table(
            "Pairs by the words of their source",
            ("source words", *splits),
            rows,
            numbers=range(1, 1 + len(splits)),
        ),
    )


def _repetitions(facts: ReportFacts) -> Html | None:
    if not facts.corpus.sides:
        return None
    rows = [
        (
            f"{each.split}, {each.side}",
            number(each.distinct, 0),
            f"{shortened(printable(each.most_frequent), _LONGEST_TEXT)} ({each.times:,} ×)"
            if each.times > 1
            else "each occurs once",
        )
        for each in facts.corpus.sides
    ]
    return details(
        "Repeated sentences",
        table(
            "Different texts, and the one that occurs most often",
            ("split and side", "different texts", "most frequent"),
            rows,
            numbers=(1,),
        ),
    )


def _rejected(facts: ReportFacts) -> Html:
    total = facts.corpus.total
    if not total.rejected.total():
        return tag("p", f"None of its {total.read:,} lines was rejected.")
    said = (
        f"{total.rejected.total():,} of {total.read:,} lines "
        f"({percent(total.rejected.total() / total.read, 2)}) were rejected as malformed; "
        "all of them lie beside the examples, in the folder rejected."
    )
    reasons = table(
        "Rejected lines by reason",
        ("reason", "lines"),
        [
            (reason.replace("_", " "), number(count, 0))
            for reason, count in total.rejected.most_common()
        ],
        numbers=(1,),
    )
    first = table(
        "The first rejected lines",
        ("line", "reason", "text"),
        [
            (
                f"{row.shard}:{row.line}",
                f"{row.reason.replace('_', ' ')}: {row.detail}",
                shortened(printable(row.text), _LONGEST_TEXT),
            )
            for row in total.first_rejected
        ],
    )
    return join(tag("p", said), reasons, details("The first of them", first))
