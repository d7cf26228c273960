from pipeline.corpora.packages.docbook import KIND
from pipeline.corpora.packages.kind import Block, Place

MANUAL = """<?xml version="1.0" ?>
<!DOCTYPE book PUBLIC "-//KDE//DTD DocBook XML V4.5//EN" "dtd/kdedbx45.dtd" [
  <!ENTITY app "<application>App</application>">
]>
<book><bookinfo><title>The &app; Handbook</title>
<authorgroup><author><firstname>Ada</firstname></author></authorgroup></bookinfo>
<para>Use <guimenu>File</guimenu> <guimenuitem>Open</guimenuitem>.
<screen>app --help</screen></para>
<variablelist><varlistentry><term>Name</term><listitem><para>The name.</para></listitem>
</varlistentry></variablelist></book>"""


def test_paragraphs_titles_and_terms_are_read_without_authors_and_code() -> None:
    assert KIND.read(MANUAL.encode()) == [
        Block("title", "The app Handbook"),
        Block("para", "Use File ▸ Open."),
        Block("term", "Name"),
        Block("para", "The name."),
    ]


def test_manuals_of_kde_and_gnome_are_found() -> None:
    for path in ("usr/share/doc/HTML/{}/app/index.docbook", "usr/share/help/{}/app/index.docbook"):
        assert KIND.place(path.format("en"), frozenset()) == Place("source", path.format("*"))
        assert KIND.place(path.format("de"), frozenset({"de"})) == Place("target", path.format("*"))
