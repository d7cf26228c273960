import pytest

from pipeline.errors import UserError
from pipeline.translation_files.filling import fill
from pipeline.translation_files.subtitles import broken, read_srt
from tests.translation_files import shouted

FILE = """\
1
00:00:01,000 --> 00:00:03,500
I have seen it all
before, my <i>friend</i>.

2
00:00:04,000 --> 00:00:05,000 X1:40 X2:600
- Who is there?
- Nobody.


3
00:00:06.000 --> 00:00:07.000
♪ 12 ♪
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_rows_of_a_sentence_are_one_text_and_speakers_are_several(newline: str) -> None:
    text = FILE.replace("\n", newline)
    document = read_srt("a.srt", text.encode(), ("en", "de"))
    assert [entry.sources for entry in document.entries] == [
        ("I have seen it all before, my <i>friend</i>.",),
        ("- Who is there?", "- Nobody."),
        ("♪ 12 ♪",),
    ]
    assert [(entry.context, entry.line) for entry in document.entries][2] == ("00:00:06,000", 14)
    content = fill(document, shouted).content.decode()
    expected = text.replace(f"I have seen it all{newline}before, my <i>friend</i>.",
                            f"I HAVE SEEN IT ALL{newline}BEFORE, MY <i>FRIEND</i>.")  # fmt: skip
    assert content == expected.replace("Who is there", "WHO IS THERE").replace("Nobody", "NOBODY")


def test_a_text_is_broken_at_spaces() -> None:
    assert broken("one two three four", 2) == ["one two", "three four"]
    assert broken("one", 3) == ["one"]


def test_a_file_without_times_is_named() -> None:
    with pytest.raises(UserError, match="a.srt is no SRT: it has no line such as 00:00:01,000"):
        read_srt("a.srt", b"Hello\n", ("en", "de"))
