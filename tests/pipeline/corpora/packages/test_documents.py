import bz2
import gzip

import pytest

from pipeline.corpora.packages.documents import (
    join_by_label,
    join_by_order,
    place_in_folders,
    read_blocks,
    read_text,
)
from pipeline.corpora.packages.kind import Block, Place

NAMES = frozenset({"de", "de_de"})


def test_both_sides_of_a_document_have_one_key() -> None:
    ours = place_in_folders("usr/share/help/C/app/a.page", NAMES, ("help",), (".page",))
    theirs = place_in_folders("usr/share/help/de/app/a.page", NAMES, ("help",), (".page",))
    assert ours == Place("source", "usr/share/help/*/app/a.page")
    assert theirs == Place("target", "usr/share/help/*/app/a.page")


@pytest.mark.parametrize(
    "path", ["usr/share/help/fr/a.page", "usr/share/de/a.page", "usr/share/help/de/a.png"]
)
def test_other_files_have_no_place(path: str) -> None:
    assert place_in_folders(path, NAMES, ("help",), (".page",)) is None


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, bytes])
def test_text_is_unpacked(pack) -> None:
    assert read_text(pack("grün".encode())) == "grün"


@pytest.mark.parametrize(
    "content", [gzip.compress(b"x" * 99, mtime=0)[:-9], b"\x1f\x8bx", b"BZhx", b"\xff"]
)
def test_a_damaged_text_is_an_error(content: bytes) -> None:
    with pytest.raises(ValueError):
        read_text(content)


def test_equal_structures_correspond_block_by_block() -> None:
    ours = [Block("title", "One"), Block("p", "Two")]
    theirs = [Block("title", "Eins"), Block("p", "Zwei")]
    assert join_by_order(ours, theirs) == [("One", "Eins"), ("Two", "Zwei")]


def test_of_other_structures_the_blocks_with_equal_options_and_numbers_correspond() -> None:
    ours = [Block("p", "New."), Block("p", "With --all it takes 7."), Block("h", "End")]
    theirs = [Block("p", "Mit --all sind es 7."), Block("h", "Ende")]
    assert join_by_order(ours, theirs) == [
        ("With --all it takes 7.", "Mit --all sind es 7."),
        ("End", "Ende"),
    ]


def test_two_documents_of_many_blocks_are_not_compared() -> None:
    ours = [Block("p", "x")] * 5_001
    assert join_by_order(ours, ours[1:]) == []


def test_ids_correspond_in_any_order() -> None:
    ours = [Block("1", "One"), Block("2", "Two"), Block("3", "Three")]
    assert join_by_label(ours, [Block("2", "Zwei"), Block("1", "Eins")]) == [
        ("One", "Eins"),
        ("Two", "Zwei"),
    ]


def test_blocks_hold_their_inline_text_and_no_other() -> None:
    text = "outside <p>Press <b>it</b> <code>no</code>now.<br/>Yes &amp; &app;.</p> outside"
    assert read_blocks(text, {"p"}, {"code"}) == [Block("p", "Press it now. Yes & app.")]


def test_a_block_in_a_block_ends_the_text_before_and_not_the_text_behind() -> None:
    text = "<p>One <list><item><p>two</p></item></list> three</p>"
    assert read_blocks(text, {"p"}, set()) == [
        Block("p", "One"),
        Block("p", "two"),
        Block("p", "three"),
    ]


def test_neighbours_without_text_between_are_joined() -> None:
    text = "<p><gui>File</gui>\n <gui>Open</gui> or <key>O</key></p>"
    blocks = read_blocks(text, {"p"}, set(), joined={"gui": " > ", "key": "+"})
    assert blocks == [Block("p", "File > Open or O")]


def test_a_malformed_declaration_is_an_error() -> None:
    with pytest.raises(ValueError):
        read_blocks("<p>x</p><![bad[y]]>", {"p"}, set())
