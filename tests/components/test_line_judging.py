import io

import pytest

from components.filters.near_duplicates import ShardHashes
from components.filters.profile import CorpusProfile
from components.line_judging import Finding, LineJudge, LineRules, profile_of
from components.parallel_text import LineLimits, Reason

LINES = b"no tab\none\teins\nsame\tsame\nONE!\teins 1\n"


def judge(rules: LineRules, duplicates: frozenset[int] = frozenset()):
    return list(LineJudge(rules, duplicates).judge(io.BytesIO(LINES)))


def test_a_malformed_line_is_rejected_and_all_others_are_pairs():
    malformed, *pairs = judge(LineRules(LineLimits()))
    assert malformed.rejection
    assert malformed.rejection.reason is Reason.WRONG_COLUMNS
    assert [(line.number, line.pair.source) for line in pairs] == [
        (2, b"one"),
        (3, b"same"),
        (4, b"ONE!"),
    ]
    assert not any(line.finding or line.rejection or line.is_held_out for line in pairs)


def test_a_filter_finds_its_pairs_before_a_near_duplicate_is_one():
    rules = LineRules(LineLimits(), filters=("near_duplicates", "identical_sides"))
    findings = [line.finding for line in judge(rules, frozenset({3, 4}))]
    assert findings == [
        None,
        None,
        Finding("identical_sides", "untranslated"),
        Finding("near_duplicates", "an earlier pair"),
    ]


def test_only_pairs_that_stay_are_hashed():
    rules = LineRules(LineLimits(), filters=("identical_sides",))
    hashes = ShardHashes(0, "a.tsv")
    LineJudge(rules).hash(io.BytesIO(LINES), hashes)
    assert list(hashes.lines) == [2, 4]
    assert hashes.hashes[0] == hashes.hashes[1]


@pytest.mark.parametrize("name", ["good.tsv", "damaged.tsv.gz", "missing.tsv"])
def test_the_profile_leaves_out_shards_that_cannot_be_read(tmp_path, name):
    (tmp_path / "good.tsv").write_text("ein Satz mit zwanzig Zeichen\tдлинное предложение\n" * 9)
    (tmp_path / "damaged.tsv.gz").write_bytes(b"\x1f\x8b damaged")
    paths = [str(tmp_path / each) for each in dict.fromkeys([name, "good.tsv"])]
    profile = profile_of(paths, LineRules(LineLimits()), ("de", "ru"))
    assert isinstance(profile, CorpusProfile)
    assert profile.languages == ("de", "ru")
    assert profile.scripts == ({"LATIN"}, {"CYRILLIC"})
