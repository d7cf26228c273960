"""JSON of programs' messages, and ARB of Flutter: one language a file, and keys."""

import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from pipeline.errors import UserError
from pipeline.translation_files.entries import (
    Document,
    Edit,
    Entry,
    Languages,
    Lines,
    TranslationFormat,
    decoded,
)

_SPACE = re.compile(r"[ \t\r\n]*")
_OTHER_VALUE = re.compile(r"[^\s,\]}]+")
_MESSAGE = "message"
"""The key of the text in the messages of a browser's extension."""


def read_json(name: str, data: bytes, languages: Languages) -> Document:
    """Reads a JSON file; see `TranslationFormat.read`.

    Every string is a text, except those of keys that begin with `@`. In files of browsers'
    extensions, only each `message` is.
    """
    text, encoding = decoded(name, data)
    start = 1 if text.startswith("\ufeff") else 0
    try:
        content = json.loads(text[start:])
    except ValueError as error:
        raise UserError(f"{name} is no JSON ({error}); mend it.") from error
    except RecursionError as error:
        raise UserError(f"{name} is nested too deeply; give a file of messages.") from error
    only_messages = bool(content) and isinstance(content, dict) and all(
        isinstance(each, dict) and isinstance(each.get(_MESSAGE), str) for each in content.values()
    )  # fmt: skip
    is_ascii = text.isascii() and "\\u" in text
    lines = Lines(text)
    entries = []
    for path, value, begin, end in _strings(text, start):
        is_fixed = any(key.startswith("@") for key in path)
        if is_fixed or (only_messages and path[1:] != (_MESSAGE,)):
            continue
        fill = partial(_fill, begin, end, is_ascii)
        key = ".".join(path)
        entries.append(Entry(lines.number(begin), (value,), "untranslated", (), key, fill))
    return Document(name, text, encoding, entries)


def _fill(begin: int, end: int, is_ascii: bool, texts: Sequence[str]) -> list[Edit]:
    return [Edit(begin, end, json.dumps(texts[0], ensure_ascii=is_ascii))]


_Found = tuple[tuple[str, ...], str, int, int]
"""The keys above a string, the string, and its place with the quotes."""


def _strings(text: str, start: int) -> Iterator[_Found]:
    """Yields the strings among the values of valid JSON, with their places."""
    keys: list[Any] = []
    """Those above: a name in an object, or a number in an array."""
    place = start
    is_key = False
    while (place := _space(text, place)) < len(text):
        character = text[place]
        if character == '"':
            value, end = scanstring(text, place + 1, True)
            if is_key:
                keys[-1] = value
                is_key = False
                end = _space(text, end) + 1  # the colon
            else:
                yield tuple(map(str, keys)), value, place, end
            place = end
            continue
        if character in "{[":
            keys.append("" if character == "{" else 0)
            is_key = character == "{"
        elif character in "}]":
            keys.pop()
            is_key = False
        elif character == ",":
            is_key = isinstance(keys[-1], str)
            keys[-1] = keys[-1] if is_key else keys[-1] + 1
        else:
            found = _OTHER_VALUE.match(text, place)
            place = found.end() if found else place + 1
            continue
        place += 1


def _space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


FORMAT = TranslationFormat("JSON", (".json", ".arb"), read_json, is_bilingual=False)
