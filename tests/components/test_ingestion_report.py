import io
import itertools

import pytest
from hypothesis import given, strategies

from components.ingestion_report import (
    EXAMPLES_SHOWN,
    SAMPLES_SHOWN,
    IngestionReport,
    RejectedLine,
    SplitCounts,
    TooManyRejectedError,
)
from components.parallel_text import CorpusError, LineLimits, Pair, parse_line, read_lines
from tests.any_text import strings


def counts_of(shard: str, good: int, bad: int) -> SplitCounts:
    counts = SplitCounts(shards=1)
    for number in range(1, good + bad + 1):
        raw = b"one two\teins" if number > bad else b"no tab"
        verdict = parse_line(raw, LineLimits())
        if isinstance(verdict, Pair):
            counts.add_pair(verdict)
        else:
            counts.add_rejected(RejectedLine.of(shard, number, raw, verdict))
    return counts


def report_of(max_rejected_fraction: float = 0.01, **splits: SplitCounts) -> IngestionReport:
    return IngestionReport("corpora/x", LineLimits(), max_rejected_fraction, splits)


def test_the_sum_does_not_depend_on_order_or_grouping() -> None:
    parts = [counts_of("b.tsv", 5, 4), counts_of("a.tsv", 3, 3), counts_of("c.tsv", 0, 2)]
    expected = SplitCounts.sum(parts)

    for first, second, third in itertools.permutations(parts):
        assert SplitCounts.sum([SplitCounts.sum([first, second]), third]) == expected
        assert SplitCounts.sum([SplitCounts(), first, second, third]) == expected


def test_the_sum_leaves_its_parts_unchanged() -> None:
    part = counts_of("a.tsv", 2, 2)

    SplitCounts.sum([part, counts_of("b.tsv", 1, 1)])

    assert part == counts_of("a.tsv", 2, 2)


def test_the_first_rejected_lines_are_those_of_the_first_shards() -> None:
    total = SplitCounts.sum([counts_of("b.tsv", 0, 9), counts_of("a.tsv", 0, 3)])

    places = [(row.shard, row.line) for row in total.first_rejected]
    assert places == [("a.tsv", 1), ("a.tsv", 2), ("a.tsv", 3), ("b.tsv", 1), ("b.tsv", 2)]
    assert len(places) == EXAMPLES_SHOWN


def test_counts_come_back_from_json() -> None:
    counts = counts_of("a.tsv", 4, 2)
    counts.damaged_shards["b.tsv.gz"] = "cut short"

    assert SplitCounts.from_json(counts.to_json()) == counts


def test_rejected_lines_up_to_the_fraction_are_tolerated() -> None:
    report_of(0.1, train=counts_of("a.tsv", 9, 1)).check("rejected")


def test_past_the_fraction_the_message_is_the_report() -> None:
    report = report_of(0.1, train=counts_of("train-0.tsv", 8, 1), test=counts_of("t.tsv", 0, 1))

    with pytest.raises(TooManyRejectedError) as error:
        report.check("somewhere/rejected")

    message = str(error.value)
    assert "2 of 10 lines of corpora/x were rejected (20.00%): wrong_columns 2." in message
    assert "train-0.tsv:1: wrong_columns (1 instead of 2): no tab" in message
    assert "somewhere/rejected" in message


def test_the_fraction_is_of_the_whole_corpus() -> None:
    report_of(0.1, train=counts_of("a.tsv", 99, 0), test=counts_of("b.tsv", 1, 1)).check("rejected")


def test_a_split_without_an_accepted_line_is_refused() -> None:
    report = report_of(1.0, train=counts_of("a.tsv", 9, 0), test=counts_of("b.tsv", 0, 1))

    with pytest.raises(CorpusError, match="no line of the test split was accepted"):
        report.check("rejected")


def test_an_empty_shard_is_refused_by_name() -> None:
    counts = counts_of("a.tsv", 9, 0)
    counts.empty_shards.append("train-00001.tsv")

    with pytest.raises(CorpusError, match=r"train-00001\.tsv is empty"):
        report_of(train=counts).check("rejected")


def test_a_damaged_shard_is_refused_by_name_and_cause() -> None:
    counts = counts_of("a.tsv", 9, 0)
    counts.damaged_shards["train-00001.tsv.gz"] = "cut short"

    with pytest.raises(CorpusError, match=r"train-00001\.tsv\.gz cannot be read \(cut short\)"):
        report_of(train=counts).check("rejected")


@given(
    strategies.lists(
        strategies.tuples(strings, strings).map(
            lambda sides: "\t".join(sides).encode("utf-8", "surrogatepass")
        )
        | strategies.binary()
    ).map(b"\n".join),
    strategies.builds(LineLimits, *[strategies.integers(1, 5)] * 3),
)
def test_each_line_of_any_shard_is_accepted_or_rejected(content: bytes, limits: LineLimits) -> None:
    counts = SplitCounts(shards=1)
    lines = read_lines(io.BytesIO(content), limits.max_line_bytes())
    for number, line in enumerate(lines, start=1):
        verdict = parse_line(line, limits)
        if isinstance(verdict, Pair):
            counts.add_pair(verdict)
        else:
            row = RejectedLine.of("a.tsv", number, line, verdict).to_tsv()
            assert all(map(str.isprintable, row.split("\t")))
            assert len(row.split("\t")) == 5
            counts.add_rejected(RejectedLine.of("a.tsv", number, line, verdict))
    text = content.removeprefix(b"\xef\xbb\xbf")
    assert counts.read == text.count(b"\n") + (not text.endswith(b"\n") and text != b"")
    assert SplitCounts.from_json(counts.to_json()) == counts


def found_in(shard: str, name: str, lines: int, *, is_filtered: bool) -> SplitCounts:
    counts = counts_of(shard, 2 * lines, 0)
    for number in range(1, lines + 1):
        row = RejectedLine(shard, number, name, "same\\tsame", "untranslated")
        counts.add_found(row, is_filtered=is_filtered)
    return counts


def test_ten_samples_of_each_filter_are_kept_in_the_order_of_the_corpus() -> None:
    parts = [
        found_in("b.tsv", "identical_sides", 12, is_filtered=True),
        found_in("a.tsv", "identical_sides", 3, is_filtered=True),
        found_in("a.tsv", "mojibake", 1, is_filtered=True),
    ]
    total = SplitCounts.sum(parts)
    assert total.filtered == {"identical_sides": 15, "mojibake": 1}
    samples = total.samples["identical_sides"]
    assert len(samples) == SAMPLES_SHOWN == 10
    assert [row.shard for row in samples] == ["a.tsv"] * 3 + ["b.tsv"] * 7
    assert SplitCounts.from_json(total.to_json()) == total
    assert SplitCounts.sum(reversed(parts)) == total


def test_filtered_lines_are_read_and_not_accepted_and_flagged_ones_are_accepted() -> None:
    filtered = found_in("a.tsv", "mojibake", 3, is_filtered=True)
    flagged = found_in("a.tsv", "mojibake", 3, is_filtered=False)
    assert (filtered.read, filtered.accepted) == (9, 6)
    assert (flagged.read, flagged.accepted) == (6, 6)


def test_every_chosen_filter_is_told_with_its_number_and_samples() -> None:
    report = IngestionReport(
        "corpora/x",
        LineLimits(),
        0.01,
        {
            "train": found_in("a.tsv", "mojibake", 1, is_filtered=True),
            "test": found_in("t.tsv", "mojibake", 2, is_filtered=False),
        },
        ("identical_sides", "mojibake"),
    )
    assert report.describe_found() == [
        "filters left out 1 training pairs, and found 2 in test, which stay",
        "  identical_sides 0",
        "  mojibake 1",
        r"    a.tsv:1: untranslated: same\tsame",
    ]


def test_a_corpus_without_filters_tells_nothing_of_them() -> None:
    assert report_of(train=counts_of("a.tsv", 1, 0)).describe_found() == []
