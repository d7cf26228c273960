"""Filters of characters: text in another script, and text read in a wrong encoding."""

import re

from components.filters.profile import CorpusProfile, scripts_of

_LEAST_USUAL_LETTERS = 0.1
_FEWEST_LETTERS = 3
_UNREADABLE = "\ufffd"
_BYTES_OF_A_CHARACTER = re.compile(r"[^\x00-\x7f](?:[^\x00-\x7f]|[ ?])|[\x1a\x80-\x9f]")
"""What read bytes of UTF-8 look like, if some are lost too: letters alone, as in `grün`, do not."""


class WrongScript:
    """Finds sides with less than 10 % of their letters in the usual scripts of the side.

    Args:
        profile: the usual scripts of source and target. A side without any is not judged.
    """

    def __init__(self, profile: CorpusProfile) -> None:
        self._scripts = profile.scripts

    def __call__(self, source: str, target: str) -> str | None:
        sides = zip(("source", "target"), (source, target), self._scripts, strict=True)
        for side, text, usual in sides:
            if "LATIN" in usual and text.isascii():
                continue
            found = scripts_of(text)
            letters = found.total()
            if usual and letters >= _FEWEST_LETTERS:
                in_usual = sum(found[script] for script in usual)
                if in_usual < _LEAST_USUAL_LETTERS * letters:
                    return f"{side}: {found.most_common(1)[0][0].capitalize()}"
        return None


def mojibake(source: str, target: str) -> str | None:
    """Finds UTF-8 that was read in another encoding, such as `Ã¼` for `ü`, and U+FFFD."""
    for side, text in (("source", source), ("target", target)):
        if text.isascii():
            continue
        if _UNREADABLE in text or (_BYTES_OF_A_CHARACTER.search(text) and _fixed(text) != text):
            return side
    return None


def _fixed(text: str) -> str:
    from ftfy import fix_encoding

    return str(fix_encoding(text))
