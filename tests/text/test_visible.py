import json
import unicodedata

import pytest
from hypothesis import given

from tests.any_text import strings
from text.visible import visible, visible_json


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\x9b2Jb", "a\\x9b2Jb"),
        ("a\x07\b\r\x7f", "a\\x07\\x08\\r\\x7f"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("a\u2028b\ud800", "a\\u2028b\\ud800"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("Käse 日本 می\u200cخواهم 👩\u200d🏫", "Käse 日本 می\u200cخواهم 👩\u200d🏫"),
    ],
)
def test_what_a_terminal_would_obey_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_json_stays_the_same_json() -> None:
    values = {"reason": "\x1b[2J\x9b\u202e\x7f\u2028 Käse"}
    shown = visible_json(json.dumps(values, ensure_ascii=False, indent=2))
    assert json.loads(shown) == values
    assert visible(shown) == shown


DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@given(strings)
def test_nothing_that_a_terminal_obeys_comes_out_of_any_text(text: str) -> None:
    shown = visible(text)
    assert not {unicodedata.category(c) for c in shown if c not in "\t\n"} & {
        "Cc",
        "Cs",
        "Zl",
        "Zp",
    }
    assert not DIRECTIONS & set(map(unicodedata.bidirectional, shown))
    assert visible(shown) == shown
    document = visible_json(json.dumps([text], ensure_ascii=False))
    assert visible(document) == document
    [read] = json.loads(document)
    assert read.encode("utf-16", "surrogatepass") == text.encode("utf-16", "surrogatepass")
