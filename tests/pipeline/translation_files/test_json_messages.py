import pytest

from pipeline.errors import UserError
from pipeline.translation_files.filling import fill
from pipeline.translation_files.json_messages import read_json
from tests.translation_files import shouted

FILE = """\ufeff{
  "@@locale": "en",
  "title" : "A \\"big\\" day\\n\\u00e4",
  "@title": { "description": "Not shown." },
  "menu": {"items": ["Open", "Close", 3, true, null, -1.5e3], "empty": "", "nested": {}},
  "url": "https://example.org/a"
}
"""


def test_strings_are_translated_and_all_else_stays() -> None:
    document = read_json("a.json", FILE.encode(), ("en", "de"))
    assert [(entry.context, entry.line) for entry in document.entries] == [
        ("title", 3), ("menu.items.0", 5), ("menu.items.1", 5), ("menu.empty", 5), ("url", 6),
    ]  # fmt: skip
    expected = FILE.replace('A \\"big\\" day\\n\\u00e4', 'A \\"BIG\\" DAY\\nÄ')
    expected = expected.replace("Open", "OPEN").replace("Close", "CLOSE")
    assert fill(document, shouted).content.decode() == expected


def test_a_file_in_ascii_stays_in_ascii() -> None:
    text = FILE.removeprefix("\ufeff")
    content = fill(read_json("a.json", text.encode(), ("en", "de")), shouted).content
    assert b"\\u00c4" in content


def test_only_the_messages_of_an_extension_are_translated() -> None:
    text = '{"a": {"message": "Hello", "description": "For you"}}'
    content = fill(read_json("messages.json", text.encode(), ("en", "de")), shouted).content
    assert content.decode() == text.replace("Hello", "HELLO")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a": \n"b', "a.json is no JSON .Unterminated string .*line 2"),
        (b'{"a": "\xe4 b"}', "Line 1 of a.json is not UTF-8, but probably WINDOWS-1252"),
        (b"[" * 100_000, "a.json is nested too deeply"),
    ],
)
def test_a_file_that_is_no_json_is_a_sentence(data: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_json("a.json", data, ("en", "de"))
