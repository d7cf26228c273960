import json

import pytest

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
