from pipeline.translation_files.filling import fill
from pipeline.translation_files.markdown import read_markdown
from tests.translation_files import shouted

PAGE = """---
title: A page
---
# A title {#title}

Some `code` with a [link](a.md "Tip") and
more **text** ![cat](cat.png) <https://example.org>.

- first item
  goes on
- [ ] second
1. third

> A quote

    indented code

| a | b `|` c |
|---|:-:|
| d |  |

```sh
not this
```

<div>
</div>

[link]: https://example.org "A link"

Title
=====
Line one{BREAK}
line two
""".replace("{BREAK}", "  ")  # an editor would take them away


def test_only_prose_is_changed() -> None:
    expected = (
        PAGE.replace("A title {", "A TITLE {")
        .replace("Some `", "SOME `")
        .replace("with a [link]", "WITH A [LINK]")
        .replace(") and\nmore **text**", ") AND MORE **TEXT**")
        .replace("first item\n  goes on", "FIRST ITEM GOES ON")
        .replace("second", "SECOND")
        .replace("third", "THIRD")
        .replace("A quote", "A QUOTE")
        .replace("| a | b `|` c |", "| A | B `|` C |")
        .replace("| d |", "| D |")
        .replace("Title\n=", "TITLE\n=")
        .replace("Line one  \nline two", "LINE ONE  \nLINE TWO")
    )
    document = read_markdown("a.md", PAGE.encode(), ("en", "de"))
    assert fill(document, shouted).content.decode() == expected
    windows = PAGE.replace("\n", "\r\n").encode()
    content = fill(read_markdown("a.md", windows, ("en", "de")), shouted).content.decode()
    assert content == expected.replace("\n", "\r\n")


def test_the_entries_tell_their_kind_and_line() -> None:
    document = read_markdown("a.md", PAGE.encode(), ("en", "de"))
    assert [(entry.context, entry.line) for entry in document.entries][:5] == [
        ("heading", 4), ("paragraph", 6), ("item", 9), ("item", 11), ("item", 12),
    ]  # fmt: skip
