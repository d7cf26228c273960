import dataclasses
from collections.abc import Iterator, Sequence

import pytest

from pipeline.translation_files.filling import fill
from pipeline.translation_files.po import read_po
from serving.contract.translation import Translation
from tests.translation_files import shouted


def po(*messages: str) -> bytes:
    return "\n".join(f'msgid "{message}"\nmsgstr ""\n' for message in messages).encode()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"text": "Öffnen"}, "placeholder or tag lost"),
        ({"text": " "}, "empty translation"),
        ({"truncated": True}, "too long for the model"),
    ],
)
def test_a_translation_that_cannot_be_used_is_not_written(changed: dict, reason: str) -> None:
    def translate(texts: Sequence[str]) -> Iterator[Translation]:
        return (dataclasses.replace(each, **changed) for each in shouted(texts))

    result = fill(read_po("de.po", po("Open %s"), ("en", "de")), translate)
    assert result.content == po("Open %s")
    assert (result.left, result.counts) == ([(1, reason)], {reason: 1})


def test_equal_texts_are_translated_once_and_texts_without_words_not_at_all() -> None:
    asked: list[str] = []

    def translate(texts: Sequence[str]) -> Iterator[Translation]:
        asked.extend(texts)
        return shouted(texts)

    document = read_po("de.po", po("Open", " Open\\n", "%s: %d", "1.5"), ("en", "de"))
    content = fill(document, translate).content.decode()
    assert asked == ["Open"]
    for written in ('"OPEN"', '" OPEN\\n"', '"%s: %d"', '"1.5"'):
        assert f"msgstr {written}\n" in content


def test_doubtful_translations_are_named_by_their_line() -> None:
    def translate(texts: Sequence[str]) -> Iterator[Translation]:
        return (dataclasses.replace(each, warnings=("low score",)) for each in shouted(texts))

    result = fill(read_po("de.po", po("a", "b"), ("en", "de")), translate)
    assert result.doubtful == [(1, ["low score"]), (4, ["low score"])]
