import gzip

import pytest

from pipeline.corpora.packages.freedict import KIND, read_dictionary

DICTIONARY = """
00-database-short
     English-French FreeDict Dictionary
Size: 3 headwords

house /haʊs/ <n>
maison, logis (rare)
a building
to be //biː// /[bi]/ <v>
1. être
to exist
2. se trouver
to lie
lone line
"""


def test_each_translation_of_each_sense_is_a_pair_and_no_explanation_is() -> None:
    assert list(read_dictionary(gzip.compress(DICTIONARY.encode()))) == [
        ("house", "maison"),
        ("house", "logis"),
        ("to be", "être"),
        ("to be", "se trouver"),
    ]


@pytest.mark.parametrize(
    "content",
    [b"", b"text", gzip.compress(b"x" * 99, mtime=0)[:-9], gzip.compress(b"\xff", mtime=0)],
)
def test_a_damaged_dictionary_is_an_error_or_empty(content: bytes) -> None:
    if content:
        with pytest.raises(ValueError):
            list(read_dictionary(content))
    else:
        assert list(read_dictionary(content)) == []


def test_the_dictionary_is_found_by_the_code_of_three_letters() -> None:
    path = "usr/share/dictd/freedict-eng-fra.dict.dz"
    assert KIND.is_file(path, frozenset({"fr", "fra"}))
    assert not KIND.is_file(path, frozenset({"it", "ita"}))
