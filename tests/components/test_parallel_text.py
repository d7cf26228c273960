import io

import pytest

from components.parallel_text import (
    LENGTH_BUCKETS,
    UNKNOWN,
    LineLimits,
    Pair,
    Reason,
    Rejection,
    length_bucket,
    parse_line,
    read_lines,
    shorten,
)

LIMITS = LineLimits()

BAD_LINES = {
    "an empty line": (b"", Reason.WRONG_COLUMNS),
    "one column": (b"no tab at all", Reason.WRONG_COLUMNS),
    "three columns": (b"a\tb\tc", Reason.WRONG_COLUMNS),
    "an empty source": (b"\tein Satz", Reason.EMPTY_SIDE),
    "an empty target": (b"a sentence\t", Reason.EMPTY_SIDE),
    "a target of carriage return": (b"a sentence\t\r", Reason.EMPTY_SIDE),
    "a source of spaces": (b"   \tein Satz", Reason.EMPTY_SIDE),
    "a target of zero width spaces": ("a sentence\t\u200b\u200b".encode(), Reason.EMPTY_SIDE),
    "a NUL byte": (b"a sen\0tence\tein Satz", Reason.NUL_BYTE),
    "UTF-16": ("a\tb".encode("utf-16-le"), Reason.NUL_BYTE),
    "Latin-1": ("a door\teine Tür".encode("latin-1"), Reason.INVALID_UTF8),
    "an encoded surrogate": (b"a\t\xed\xa0\x80", Reason.INVALID_UTF8),
    "a cut character": (b"a door\teine T\xc3", Reason.INVALID_UTF8),
    "100,000 characters": (b"x" * 100_000 + b"\tein Satz", Reason.TOO_LONG),
    "100,000 characters without a tab": (b"x" * 100_000, Reason.TOO_LONG),
    "one character too many": (b"x" * 2001 + b"\t" + b"y" * 2000, Reason.TOO_LONG),
    "one word too many": (b"a " * 201 + b"\t" + b"b " * 200, Reason.TOO_LONG),
    "a long source for one word": (b"word " * 100 + b"\tWort", Reason.LENGTH_RATIO),
    "a long target for one word": (b"word\t" + b"Wort " * 100, Reason.LENGTH_RATIO),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_line_is_rejected_with_its_reason(name: str) -> None:
    line, reason = BAD_LINES[name]

    verdict = parse_line(line, LIMITS)

    assert isinstance(verdict, Rejection)
    assert verdict.reason is reason


GOOD_LINES = {
    "plain": b"a door\teine T\xc3\xbcr",
    "the longest characters allowed": b"x" * 2000 + b"\t" + b"y" * 2000,
    "the widest characters allowed": ("\U0001f600" * 2000 + "\t" + "\U0001f600" * 2000).encode(),
    "the most words allowed": b"a " * 200 + b"\t" + b"b " * 200,
    "four words for one": b"a data base administration\tDatenbankverwaltung",
    "a language without spaces": (
        "This package provides the shared libraries that other programs need at run time"
        "\tこのパッケージは他のプログラムが実行時に必要とする共有ライブラリを提供します"
    ).encode(),
    "line separators inside": "one\u2028two\u0085three\x0bfour\ttext".encode(),
}


@pytest.mark.parametrize("name", GOOD_LINES)
def test_a_good_line_keeps_its_texts_byte_for_byte(name: str) -> None:
    verdict = parse_line(GOOD_LINES[name], LIMITS)

    assert isinstance(verdict, Pair)
    assert verdict.source + b"\t" + verdict.target == GOOD_LINES[name]


def test_only_one_carriage_return_is_stripped_from_the_end() -> None:
    verdict = parse_line(b"a\rb\tc\r\r", LIMITS)

    assert isinstance(verdict, Pair)
    assert (verdict.source, verdict.target) == (b"a\rb", b"c\r")


def test_a_pair_counts_whitespace_separated_words_and_characters() -> None:
    verdict = parse_line("two  words\tdrei süße Wörter".encode(), LIMITS)

    assert isinstance(verdict, Pair)
    assert verdict[2:6] == (2, 3, 10, 16)


def test_the_limits_decide_what_is_too_long() -> None:
    line = b"one two three\teins zwei drei"

    assert isinstance(parse_line(line, LineLimits(max_words=3)), Pair)
    assert isinstance(parse_line(line, LineLimits(max_words=2)), Rejection)
    assert isinstance(parse_line(line, LineLimits(max_characters=14)), Pair)
    assert isinstance(parse_line(line, LineLimits(max_characters=13)), Rejection)


def test_the_length_ratio_binds_only_beyond_five_words() -> None:
    limits = LineLimits(max_length_ratio=2.0)

    assert isinstance(parse_line(b"a b c d e\tx", limits), Pair)
    assert isinstance(parse_line(b"a b c d e f\tx", limits), Rejection)


@pytest.mark.parametrize("name", ["max_words", "max_characters", "max_length_ratio"])
def test_a_limit_that_no_line_could_meet_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be 1 or more"):
        LineLimits(**{name: 0})


@pytest.mark.parametrize(
    ("words", "bucket"),
    [
        (1, "01-10"),
        (10, "01-10"),
        (11, "11-20"),
        (20, "11-20"),
        (21, "21-30"),
        (30, "21-30"),
        (31, "31+"),
        (200, "31+"),
    ],
)
def test_a_length_falls_into_its_bucket(words: int, bucket: str) -> None:
    assert length_bucket(words) == bucket
    assert bucket in LENGTH_BUCKETS


class Dripping(io.BytesIO):
    """A stream that returns a few bytes at a time, like a network."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(3)


@pytest.mark.parametrize("stream_type", [io.BytesIO, Dripping])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"one\ntwo\n",
        b"one\ntwo",
        b"\n\none\r\n\r\n",
        "a\u2028b\u0085c\x0b\x0c\x1d\n\ud7ff\n".encode(),
        b"\xff\xfe\x00\n\x80\n",
    ],
)
def test_only_newlines_end_a_line(content: bytes, stream_type: type[io.BytesIO]) -> None:
    lines = list(read_lines(stream_type(content), max_bytes=1000))

    assert b"".join(line + b"\n" for line in lines).removesuffix(b"\n") == content.removesuffix(
        b"\n"
    )


def test_a_byte_order_mark_is_dropped_at_the_start_only() -> None:
    mark = b"\xef\xbb\xbf"

    lines = list(read_lines(io.BytesIO(mark + b"a\n" + mark + b"b\n"), max_bytes=1000))

    assert lines == [b"a", mark + b"b"]


@pytest.mark.parametrize("stream_type", [io.BytesIO, Dripping])
def test_a_line_too_long_for_memory_is_cut_and_the_next_one_is_whole(
    stream_type: type[io.BytesIO],
) -> None:
    stream = stream_type(b"x" * 5000 + b"\nnext\n" + b"y" * 5000)

    assert list(read_lines(stream, max_bytes=10)) == [b"x" * 11, b"next", b"y" * 11]


def test_a_cut_line_is_still_seen_to_be_too_long() -> None:
    limits = LineLimits(max_characters=5)

    [line] = read_lines(io.BytesIO(b"a\tb" + b"x" * 5000), limits.max_line_bytes())

    assert parse_line(line, limits) == Rejection(Reason.TOO_LONG, "more than 42 bytes")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Tür\t門".encode(), "Tür\\t門"),
        (b"a\0b\r", "a\\u0000b\\r"),
        (b"T\xfcr", "T\\xfcr"),
        ("\u2028\u00a0\U000e0001".encode(), "\\u2028\\u00a0\\U000e0001"),
        (b"C:\\tmp", "C:\\\\tmp"),
    ],
)
def test_a_line_is_shown_with_escapes(raw: bytes, shown: str) -> None:
    assert shorten(raw) == shown


def test_a_long_line_is_shortened_between_two_characters() -> None:
    assert shorten("üüü".encode(), limit=3) == "ü..."


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("news", "news"),
        ("", UNKNOWN),
        ("  ", UNKNOWN),
        (" legal\u00a0 texts ", "legal texts"),
        ("x" * 64, "x" * 64),
        ("Börse", "Börse"),
    ],
)
def test_a_column_of_a_feature_is_its_value(column: str, value: str) -> None:
    pair = parse_line(f"a\tb\t{column}\r".encode(), LIMITS, ("domain",))
    assert isinstance(pair, Pair)
    assert (pair.target, pair.features) == (b"b", (value.encode(),))


@pytest.mark.parametrize(
    ("line", "rejection"),
    [
        ("a\tb", Rejection(Reason.WRONG_COLUMNS, "2 instead of 3")),
        ("a\tb\tc\td", Rejection(Reason.WRONG_COLUMNS, "4 instead of 3")),
        (
            "a\tb\t" + "x" * 65,
            Rejection(Reason.FEATURE_VALUE, "domain has 65 characters, more than 64"),
        ),
        ("a\tb\tn\x1bws", Rejection(Reason.FEATURE_VALUE, "domain cannot be printed")),
        ("a\tb\t\u200b", Rejection(Reason.FEATURE_VALUE, "domain cannot be printed")),
    ],
)
def test_a_line_without_a_fit_value_is_rejected(line: str, rejection: Rejection) -> None:
    assert parse_line(line.encode(), LIMITS, ("domain",)) == rejection


def test_the_longest_values_fit_beside_the_longest_texts() -> None:
    limits = LineLimits(max_words=1, max_characters=10)
    text, value = "\U00010400" * 10, "\U00010400" * 64
    line = f"{text}\t{text}\t{value}\t{value}\r".encode()
    assert len(line) == limits.max_line_bytes(2)
    assert isinstance(parse_line(line, limits, ("one", "two")), Pair)
