import pytest
from hypothesis import given, strategies

from serving.web.markup import _MARKUP, Document, Segment, html_document, plain_text
from tests.any_text import strings
from tests.serving.web.test_tag_places import translated
from text.characters import LONE_SURROGATE

TAGS = ("<p>", "</p>", "<b>", "</b>", "<i a='>'>", "</I>", "<br/>", "<code>", "</code>", "<x0>")
SIGNS = ("<!--", "-->", "&lt;", "&amp;", "<", ">", " ", "a", "\n", '<a title="', "</script>")
MARKUP = strategies.lists(strings | strategies.sampled_from(TAGS + SIGNS), max_size=12).map("".join)


def texts(html: str) -> list[str]:
    return [segment.text for segment in html_document(html).segments]


def shouted(segment: Segment) -> str:
    """Translates a segment to capitals, word by word, each of which attends to its own."""
    words = segment.plain.split()
    text = " ".join(words).upper()
    return segment.place(translated(words, text.split(), range(len(words))))


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("The cat.", ["The cat."]),
        ("<p>The cat.</p>\n<ul><li>One</li> <li>Two</li></ul>", ["The cat.", "One", "Two"]),
        ("A <b>red</b> cat", ["A <x0>red<x1> cat"]),
        ("A <red-thing id=3>red</red-thing> cat", ["A <x0>red<x1> cat"]),
        ("<p> <b><i>The cat</i></b> </p>", ["The cat"]),
        ("<b>The</b> <b>cat</b>", ["<x0>The<x1> <x2>cat<x3>"]),
        ("<img src='a.png'> The cat <br> sat", ["The cat", "sat"]),
        ("The\n  cat", ["The cat"]),
        ("Tom &amp; Jerry &lt;3", ["Tom & Jerry <3"]),
        ("Use <code>ls -l</code> for it", ["Use <x0> for it"]),
        ('Ask <span class="a" translate="no">Mr. Green</span> now', ["Ask <x0> now"]),
        ("<style>a b</style><script>if (a < b) c()</script><!-- <p>no</p> -->The cat", ["The cat"]),
        ("<!DOCTYPE html><html><head><title>One</title></head></html>", ["One"]),
        ("1 < 2 and 2 > 1", ["1 < 2 and 2 > 1"]),
        ('<a title="a > b">The cat</a> sat', ["<x0>The cat<x1> sat"]),
        ("", []),
        (" <p>&nbsp;</p> | ", []),
    ],
)
def test_the_texts_of_html_are_found_with_the_places_of_inline_tags(html, found):
    assert texts(html) == found


@pytest.mark.parametrize(
    ("html", "translation", "result"),
    [
        ("<p> A <b>red</b> cat</p>", "rote <x0>Katze<x1>", "<p> rote <b>Katze</b></p>"),
        ("a <b>b</b> <i>c</i>", "<x2>C<x3> <x0>B<x1>", "<i>C</i> <b>B</b>"),
        ("a <b>b</b>", "x & y <x0>z<x1> < w", "x &amp; y <b>z</b> &lt; w"),
        ("a <b>b</b>", "<x0>z", None),
        ("a <b>b</b>", "<x1>z<x0>", None),
        ("a <b>b</b>", "<x0>z<x1><x0>", None),
        ("a <b>b <i>c</i></b>", "<x0>z<x1><x3>y<x2>", None),
        ("a <br-like/> <wbr> b </i> c", "<x2> <x1> <x0> z", "</i> <wbr> <br-like/> z"),
    ],
)
def test_tags_stand_where_the_translation_has_their_places(html, translation, result):
    document = html_document(html)
    (segment,) = document.segments
    put = segment.put(translation)
    assert (put if put is None else document.join([put])) == result


def test_lost_tags_are_placed_around_the_words_that_attend_to_theirs():
    html = "<p>The <b>red</b> <a href='x?a&b'>cat &amp; dog</a> <img> sat<wbr> on <img>.</p>"
    document = html_document(html)
    assert document.join(list(map(shouted, document.segments))) == (
        "<p>THE <b>RED</b> <a href='x?a&b'>CAT &amp; DOG</a> <img> SAT<wbr> ON <img>.</p>"
    )


def test_plain_text_stays_as_it_is():
    document = plain_text("a < b\n c & d ")
    (segment,) = document.segments
    assert document.join([segment.put(segment.text)]) == "a < b\n c & d "
    assert plain_text(" \n") == Document((" \n",))


def test_the_marks_of_weblate_and_tags_stay_in_a_text():
    document = plain_text(" Two [X0X]big[X1X] dogs & [X2X] cats\n\n<b>run</b> &lt; [X3X].")
    first, second = document.segments
    assert first.text == "Two <x0>big<x1> dogs & <x2> cats"
    assert document.join([first.put("<x0>A<x1> <x2>"), second.put("<x0>B<x1> <x2>")]) == (
        " [X0X]A[X1X] [X2X]\n\n<b>B</b> [X3X]"
    )
    assert document.join(list(map(shouted, document.segments))) == (
        " TWO [X0X]BIG[X1X] DOGS & [X2X] CATS\n\n<b>RUN</b> &LT; [X3X]."
    )


@given(MARKUP)
def test_any_markup_comes_back_with_all_its_tags(html):
    html = LONE_SURROGATE.sub("?", html)
    document = html_document(html)
    for segment in document.segments:
        assert segment.put(segment.text) is not None or "<x" in segment.plain
    placed = document.join(list(map(shouted, document.segments)))
    found, again = ([match[0] for match in _MARKUP.finditer(each)] for each in (html, placed))
    assert sorted(found) == sorted(again)
