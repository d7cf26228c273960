from pipeline.translation_files.filling import fill
from pipeline.translation_files.html_pages import read_html
from tests.translation_files import shouted

PAGE = """<!DOCTYPE html>
<html lang="en-GB">
<head><meta charset="iso-8859-1"><title>My page</title><style>p { color: red }</style></head>
<body class='x'>
<!-- A comment -->
<h1>Tom &amp; Jerry</h1>
  <p>One <b>bold</b>
  move,<br> and <code>x = 1</code> <i translate=no>no</i>.
<p translate="no">Nmt</p>
<ul><li>first<li>second <a href="b.html" title="Not here">link</a></ul>
<img src="a.png" alt="A &quot;cat&quot;"><pre>as it is</pre>
<script>if (a < b) { "<p>no</p>" }</script>
</body></html>
"""


def test_only_text_is_changed() -> None:
    document = read_html("a.html", PAGE.encode("latin-1"), ("en", "de"))
    expected = (
        PAGE.replace("en-GB", "de")
        .replace("My page", "MY PAGE")
        .replace("Tom &amp; Jerry", "TOM &amp; JERRY")
        .replace("One <b>bold</b>\n  move,<br> and", "ONE <b>BOLD</b> MOVE,<br> AND")
        .replace("first", "FIRST")
        .replace("second", "SECOND")
        .replace(">link", ">LINK")
        .replace("A &quot;cat", "A &quot;CAT")
    )
    assert fill(document, shouted).content.decode("latin-1") == expected


def test_the_entries_tell_their_element_and_line() -> None:
    document = read_html("a.html", PAGE.encode("latin-1"), ("en", "de"))
    assert [(entry.context, entry.line) for entry in document.entries] == [
        ("title", 3), ("h1", 6), ("p", 7), ("li", 10), ("li", 10), ("@img", 11),
    ]  # fmt: skip


def test_a_character_that_the_encoding_lacks_is_written_by_its_number() -> None:
    page = '<meta charset="iso-8859-1"><p>\xff</p>'.encode("latin-1")
    content = fill(read_html("a.html", page, ("en", "de")), shouted).content
    assert content.endswith(b"<p>&#376;</p>")


def test_a_page_without_text_stays_as_it_is() -> None:
    page = b'<html lang="en"><p>12 &times; 3</p>'
    assert fill(read_html("a.html", page, ("en", "de")), shouted).content == page
