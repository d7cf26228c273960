from pipeline.corpora.packages.kind import Block, Place
from pipeline.corpora.packages.mallard import KIND

PAGE = """<?xml version="1.0" encoding="utf-8"?>
<page xmlns="http://projectmallard.org/1.0/" id="a">
  <info><desc>Open a file.</desc><credit><name>Ada</name></credit></info>
  <title>Files</title>
  <steps><item><p>Choose <guiseq><gui>File</gui><gui>Open</gui></guiseq>, or press
    <keyseq><key>Ctrl</key><key>O</key></keyseq>.</p></item></steps>
  <screen>ls</screen>
</page>"""


def test_paragraphs_and_titles_are_read_without_credits_and_code() -> None:
    assert KIND.read(PAGE.encode()) == [
        Block("desc", "Open a file."),
        Block("title", "Files"),
        Block("p", "Choose File ▸ Open, or press Ctrl+O."),
    ]


def test_pages_are_found_in_the_help_of_both_languages() -> None:
    path = "usr/share/help/{}/app/a.page"
    assert KIND.place(path.format("C"), frozenset()) == Place("source", path.format("*"))
    assert KIND.place(path.format("de"), frozenset({"de"})) == Place("target", path.format("*"))
