import re
import time

import pytest
import tensorflow as tf

from text.protected import (
    HIDDEN_PERCENT,
    PATTERN,
    PERCENTAGE,
    Changes,
    changed_parts,
    protected_parts,
)

CASES = {
    "Delete %s from %(folder)s (%d%%)?": ["%s", "%(folder)s", "%d", "%%"],
    "%1 of %L2, %zu, %-10.3f, %1$s, %*d": ["%1", "%L2", "%zu", "%-10.3f", "%1$s", "%*d"],
    "50 % of it, 100% sure, 100%ige": [],
    "{0} and {} for {name!r:>10}, {{mustache}}": ["{0}", "{}", "{name!r:>10}", "{{mustache}}"],
    "{count, plural, one {# file} other {# files}} left": [
        "{count, plural, one {",
        "} other {",
        "}}",
    ],
    "on {day, date, short} (not {like this})": ["{day, date, short}"],
    "${HOME} $PATH $(x) @VERSION@, 5 $ or $5": ["${HOME}", "$PATH", "$(x)", "@VERSION@"],
    'A <a href="http://x.y/z">link &amp; more</a><br/>': [
        '<a href="http://x.y/z">',
        "&amp;",
        "</a>",
        "<br/>",
    ],
    "a < b and c > d": [],
    "<b>%d</b>%s%%, 5%s at http://a.b/50%20c": [
        "<b>",
        "%d",
        "</b>",
        "%s",
        "%%",
        "http://a.b/50%20c",
    ],
    "See <http://a.b/c>, https://d.e/f?g=1&h=2. Write to me@home.example!": [
        "http://a.b/c",
        "https://d.e/f?g=1&h=2",
        "me@home.example",
    ],
    "Use -v or --file=all (see /etc/a.conf and ~/.b).": [
        "-v",
        "--file=all",
        "/etc/a.conf",
        "~/.b",
    ],
    "and/or, e-mail, T-shirt, twenty-two": [],
    r"One\nTwo\tC:\Windows\x.txt": [r"\n", r"\t"],
    r"In C:\Windows\x.txt.": [r"C:\Windows\x.txt"],
    "Save _As": ["_"],
    "E&xit": ["&"],
    "AT&T, snake_case, _a_, Tom & Jerry": [],
}


@pytest.mark.parametrize("text", CASES)
def test_the_parts_are_found(text):
    assert protected_parts(text) == CASES[text]


@pytest.mark.parametrize("text", CASES)
def test_the_graph_finds_the_same(text):
    text_there = re.sub(PERCENTAGE, rf"\1{HIDDEN_PERCENT}", text)
    separated = tf.strings.regex_replace(text_there, PATTERN, "\\1\x1f\\2\\3\x1f").numpy().decode()
    in_graph = separated.replace(HIDDEN_PERCENT, "%").split("\x1f")[1::2]
    assert in_graph == [part for part in CASES[text] if part not in "_&"]


def test_changes_are_counted():
    source = "Copy %s to %s with <b>care</b>"
    assert changed_parts(source, "Mit <b>Sorgfalt</b> von %s nach %s") == Changes()
    assert changed_parts(source, "Von %s nach %d mit <b>Sorgfalt</b>") == Changes(("%s",), ("%d",))
    assert changed_parts('<a  href="x">', '<a href="x">') == Changes()
    assert changed_parts("_File", "_Datei") == Changes()
    assert changed_parts("_File", "Datei") == Changes(("_",))
    assert changed_parts("%s: %d%% of {}", "{}: %d%%") == Changes(("%s",))


def test_parts_filled_by_their_place_keep_their_order():
    assert changed_parts("%s has %d", "%d bei %s") == Changes(reordered=("%d", "%s"))
    assert changed_parts("%s has %r", "%r bei %s").reordered
    assert changed_parts("{} of {:.2f}", "{:.2f} von {}").reordered
    assert changed_parts("%1$s has %2$d", "%2$d bei %1$s") == Changes()
    assert changed_parts("%(a)s has %(b)d", "%(b)d bei %(a)s") == Changes()
    assert changed_parts("<b>%s</b>", "</b><b>%s") == Changes()


@pytest.mark.parametrize(
    "text", ["x", "x.", "a-", "<a ", "%(", "{{a", "A_", "&a", "$a/", "http://."]
)
def test_long_texts_take_no_longer_for_each_character(text):
    started = time.process_time()
    protected_parts(text * 20_000)
    assert time.process_time() - started < 5  # seconds; a square would take minutes
