import gzip

import pytest

from pipeline.corpora.packages.kind import Block, Place
from pipeline.corpora.packages.manual_page import KIND, read_manual_page

PAGE = r""".\" a comment
.de XX
macro
..
.TH LESS 1 "a date"
.SH NAME
less \- opposite of "more"
.SH "MORE WORDS"
The program
.B less
shows \fItext\fR;
see
.BR more (1).
.PP
Another \(lqparagraph\(rq,\ f\(:ur dich.
.TP
.BR \-a , " \-\-all"
Shows
all.
.IP \(bu 2
An item.
.nf
verbatim
.fi
.if n \{
hidden
.\}
.UR https://example.org
The page
.UE
"""


def test_a_page_becomes_headings_paragraphs_and_terms() -> None:
    assert read_manual_page(gzip.compress(PAGE.encode())) == [
        Block("SH", "NAME"),
        Block("P", 'less - opposite of "more"'),
        Block("SH", "MORE WORDS"),
        Block("P", "The program less shows text; see more(1)."),
        Block("PP", "Another “paragraph”, für dich."),
        Block("term", "-a, --all"),
        Block("TP", "Shows all."),
        Block("term", "•"),
        Block("IP", "An item."),
        Block("nf", "The page"),
    ]


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (r"na\[:i]ve", "naïve"),
        (r"\[u00E9]t\('e", "été"),
        (r"\fB\-x\fP \f[B]y\f[R] \f(BIz\fP", "-x y z"),
        (r"a\|b\&c\/d\:e\%f", "abcdef"),
        (r"one\ two\~three", "one two three"),
        (r"back\eslash", "back\\slash"),
        (r"\s-1small\s0 \h'2n'moved", "small moved"),
        (r"\*(lqquoted\*(rq", "“quoted”"),
    ],
)
def test_escapes_become_text(escaped: str, text: str) -> None:
    blocks = read_manual_page(f".TH X 1\n.SH S\n{escaped}\n".encode())
    assert blocks[1] == Block("P", text)


@pytest.mark.parametrize("page", [".so man1/less.1\n", ".Dd today\n.TH X\n.Sh NAME\n", ""])
def test_links_and_pages_in_mdoc_have_no_blocks(page: str) -> None:
    assert read_manual_page(page.encode()) == []


def test_pages_of_a_language_are_found_and_not_those_of_another() -> None:
    names = frozenset({"de", "de_de"})
    assert KIND.place("usr/share/man/man1/a.1.gz", names) == Place("source", "man1/a.1.gz")
    assert KIND.place("usr/share/man/de/man1/a.1.gz", names) == Place("target", "man1/a.1.gz")
    assert KIND.place("usr/share/man/de.UTF-8/man3x/a.gz", names) == Place("target", "man3x/a.gz")
    assert KIND.place("usr/share/man/fr/man1/a.1.gz", names) is None
    assert KIND.place("usr/share/doc/a.1.gz", names) is None
