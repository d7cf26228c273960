import pytest

from components.report.markup import Html, details, join, table, tag


def test_text_is_escaped():
    assert tag("p", "a < b & c") == "<p>a &lt; b &amp; c</p>"


def test_markup_is_not_escaped_again():
    assert tag("p", tag("b", "&")) == "<p><b>&amp;</b></p>"


def test_what_is_joined_to_markup_as_text_is_escaped():
    assert tag("p", "x" + tag("b", "y")) == "<p>x&lt;b&gt;y&lt;/b&gt;</p>"


@pytest.mark.parametrize("value", ['"><script>', "'x'", "a & b"])
def test_attributes_are_escaped(value):
    written = tag("a", href=value)
    assert written.count("<") == 2
    assert written.count('"') == 2


def test_an_attribute_without_a_value_is_left_out():
    assert tag("p", lang=None, hidden=False, open=True) == "<p open></p>"


def test_names_of_attributes_are_those_of_html():
    assert tag("p", class_="note", aria_label="x") == '<p class="note" aria-label="x"></p>'


def test_content_may_be_nested_numbers_and_nothing():
    assert join("a", None, ["b", [tag("i", 3)]]) == "ab<i>3</i>"


def test_an_element_that_is_drawn_is_closed():
    assert tag("line", x1=1) == '<line x1="1"></line>'


def test_a_table_has_a_caption_and_headings_on_both_sides():
    written = table("Prices & more", ("what", "price"), [("<b>", "1")], numbers=(1,))
    assert "<caption>Prices &amp; more</caption>" in written
    assert '<th scope="col">what</th><th scope="col" class="number">price</th>' in written
    assert '<tr><th scope="row">&lt;b&gt;</th><td class="number">1</td></tr>' in written


def test_a_wide_table_can_be_scrolled_by_keyboard_and_has_a_name():
    written = table(tag("b", "A & B"), ("x",), [("y",)])
    assert '<div class="scroll" tabindex="0" role="region" aria-label="A &amp; B">' in written


def test_details_are_closed_at_first():
    assert details("More", "text") == "<details><summary>More</summary>text</details>"


def test_markup_is_text():
    assert isinstance(tag("p"), Html)
    assert isinstance(tag("p"), str)
