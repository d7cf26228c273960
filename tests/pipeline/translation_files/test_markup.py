import pytest

from pipeline.translation_files.entries import CannotFillError
from pipeline.translation_files.markup import escape_xml, read_markup


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("a &lt; b &amp;&#xe4; &own;", "a < b &ä &own;"),
        ("<![CDATA[a < b]]>", "a < b"),
        ("a<![CDATA[<]]>b", "a<b"),
        ('x <g id="1">y</g> <!-- z --> <x/>', 'x <g id="1">y</g> <!-- z --> <x/>'),
        ("<bpt id='1'>&lt;b&gt;</bpt>x", "<x1/>x"),
    ],
)
def test_a_model_reads_text_without_escapes_but_with_tags(raw: str, text: str) -> None:
    assert read_markup(raw).text == text


@pytest.mark.parametrize(
    ("raw", "translation", "written"),
    [
        ("a &own; b", "B &own; & A", "B &own; &amp; A"),
        ("<![CDATA[a < b]]>", "A < B", "<![CDATA[A < B]]>"),
        ("<g id='1'>a</g> b <x/>", "B < <x /> <g  id='1'>A</g>", "B &lt; <x/> <g id='1'>A</g>"),
        ("a</b> c<br>", "A</b> C<br>", "A</b> C<br>"),
    ],
)
def test_the_markup_is_put_back(raw: str, translation: str, written: str) -> None:
    assert read_markup(raw).raw(translation, escape_xml) == written


@pytest.mark.parametrize(
    ("raw", "translation"),
    [
        ("<b>a</b>", "A"),
        ("<b>a</b>", "<b>A</b></b>"),
        ("<b>a</b>", "</b>A<b>"),
        ("<b>a</b> <i>b</i>", "<b>A <i>B</b></i>"),
        ("<b>a</b> &lt;b>", "<b>A</b> <b>"),
        ("<![CDATA[a]]>", "A ]]> B"),
    ],
)
def test_markup_that_does_not_fit_is_not_written(raw: str, translation: str) -> None:
    with pytest.raises(CannotFillError, match="placeholder or tag lost"):
        read_markup(raw).raw(translation, escape_xml)
