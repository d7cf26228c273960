"""Cleans the messages of programs: contexts, marks of shortcuts and notes to translators."""

import re
from collections.abc import Iterator

from text.sentences import Pair

_CREDITS = re.compile(
    r"translator[-_ ]credits|^your (?:names|emails)$|^(?:NAME|EMAIL) OF TRANS", re.I
)
_SHORTCUT = re.compile(r"[_&~](?=\w)")
_SHORTCUT_BEHIND = re.compile(r"\s*\([_&~]\w\)")
"""As in `ファイル(_F)`."""
_ENTITY = re.compile(r"&(?:\w+|#\d+);")
_PARAGRAPHS = re.compile(r"\n\s*\n")
_CONTEXT_WITH_MARK = re.compile(r"\?[\w-]+:")


def clean_message(source: str, target: str) -> Iterator[Pair]:
    """Yields a message and its translation as one or several paragraphs.

    Args:
        source: a message of a program.
        target: its translation.
    """
    if not source.strip() or not target.strip() or _CREDITS.search(source):
        return
    source, target = _without_context(source, target)
    source, target = _without_shortcut(source, target)
    ours, theirs = (_PARAGRAPHS.split(text.strip()) for text in (source, target))
    if len(ours) != len(theirs):
        ours, theirs = [source], [target]
    yield from zip(ours, theirs, strict=True)


def _without_context(source: str, target: str) -> Pair:
    """Removes the contexts written into messages by KDE, Wesnoth, GTK and Freeciv."""
    if source.startswith("_:") and "\n" in source:
        source = source.partition("\n")[2]
    for mark in "^|":
        if mark in source and mark not in target:
            source = source.rpartition(mark)[2]
    if _CONTEXT_WITH_MARK.match(source) and not target.startswith("?"):
        source = source.partition(":")[2]
    return source, target


def _without_shortcut(source: str, target: str) -> Pair:
    """Removes the mark of a keyboard shortcut, as in `_File`, if there is one mark at most."""
    target = _SHORTCUT_BEHIND.sub("", target)
    marks = [_SHORTCUT.findall(_ENTITY.sub("", text)) for text in (source, target)]
    ours, theirs = marks
    if len(ours) == 1 and (not theirs or theirs == ours):
        mark = re.compile(re.escape(ours[0]) + r"(?=\w)")
        source, target = mark.sub("", source), mark.sub("", target)
    return source, target
