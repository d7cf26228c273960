from pipeline.corpora.packages.html_by_id import KIND
from pipeline.corpora.packages.kind import Block, Place

PAGE = """<html><head><title>Help</title></head><body>
<p>Navigation</p>
<h1 id="hd_1">Moving <span class="emph">Pages</span></h1>
<td><p id="par_2">Press <span class="switchinline"><span class="MAC">Command</span><span
>Ctrl</span></span>+F6.</p></td>
</body></html>"""


def test_paragraphs_with_an_id_are_read_with_the_usual_variant() -> None:
    assert KIND.read(PAGE.encode()) == [
        Block("hd_1", "Moving Pages"),
        Block("par_2", "Press Ctrl+F6."),
    ]


def test_pages_are_found_in_the_help_of_both_languages() -> None:
    path = "usr/share/libreoffice/help/{}/text/a.html"
    names = frozenset({"de"})
    assert KIND.place(path.format("en-US"), names) == Place("source", path.format("*"))
    assert KIND.place(path.format("de"), names) == Place("target", path.format("*"))
