"""Language codes, such as `de`, `pt-BR`, `zh_CN` or `sr@latin`.

The form is BCP 47's (RFC 5646): language, script, region, variants. Underscores, and a modifier
after `@`, as in Debian and POSIX, are understood as well.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_CODE = re.compile(
    r"(?P<base>[a-z]{2,3})"
    r"(?:[-_](?P<extended>[A-Za-z]{3}))?"  # as in zh-yue
    r"(?:[-_](?P<script>[A-Za-z]{4}))?"
    r"(?:[-_](?P<region>[A-Za-z]{2}|[0-9]{3}))?"
    r"(?P<variants>(?:[-_](?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*)"
    r"(?P<private>(?:-x(?:-[A-Za-z0-9]{1,8})+)?)"
    r"(?:@(?P<modifier>[A-Za-z0-9]+))?"
)
_SCRIPTS = {"latin": "Latn", "cyrillic": "Cyrl", "arabic": "Arab", "devanagari": "Deva"}
"""Scripts by the modifiers that glibc's locales have for them."""
FORM = (
    "two or three small letters, then perhaps a script, a region and variants, such as de, pt-BR, "
    "zh_CN, sr-Latn or sr@latin"
)
"""What a code looks like, in words."""

_ENGLISH_NAMES = dict(
    re.findall(
        "([a-z]+) ([^,]+)",
        "af Afrikaans,ar Arabic,be Belarusian,bg Bulgarian,bn Bengali,bs Bosnian,ca Catalan,"
        "cs Czech,cy Welsh,da Danish,de German,el Greek,en English,eo Esperanto,es Spanish,"
        "et Estonian,eu Basque,fa Persian,fi Finnish,fr French,ga Irish,gl Galician,gu Gujarati,"
        "he Hebrew,hi Hindi,hr Croatian,hu Hungarian,hy Armenian,id Indonesian,is Icelandic,"
        "it Italian,ja Japanese,ka Georgian,kk Kazakh,km Khmer,kn Kannada,ko Korean,ku Kurdish,"
        "lt Lithuanian,lv Latvian,mk Macedonian,ml Malayalam,mn Mongolian,mr Marathi,ms Malay,"
        "nb Norwegian,ne Nepali,nl Dutch,nn Norwegian Nynorsk,no Norwegian,pa Punjabi,pl Polish,"
        "pt Portuguese,ro Romanian,ru Russian,si Sinhala,sk Slovak,sl Slovenian,sq Albanian,"
        "sr Serbian,sv Swedish,sw Swahili,ta Tamil,te Telugu,th Thai,tl Tagalog,tr Turkish,"
        "uk Ukrainian,ur Urdu,uz Uzbek,vi Vietnamese,zh Chinese",
    )
)


class Language(NamedTuple):
    """The parts of a code."""

    tag: str
    """The code in BCP 47's usual spelling: `pt-BR` for `pt_BR`, `sr-Latn` for `sr@latin`."""
    base: str
    """The language alone: `pt`."""
    script: str
    """Such as `Latn`; empty if the code does not name it."""


def parse_language(code: str) -> Language:
    """Reads a code. The language itself may not exist.

    Raises:
      ValueError: The text is no code; the message says what one looks like.
    """
    found = _CODE.fullmatch(code)
    if found is None:
        raise ValueError(f"{code!r} is not a language code: write {FORM}.")
    modifier = (found["modifier"] or "").lower()
    script = (found["script"] or _SCRIPTS.get(modifier, "")).title()
    rest = found["variants"].replace("_", "-").lower() + found["private"]
    if modifier and modifier not in _SCRIPTS:
        rest += f"-{modifier}"
    base = (found["extended"] or found["base"]).lower()
    parts = [base, script, (found["region"] or "").upper()]
    return Language("-".join(filter(None, parts)) + rest, base, script)


def usual_tag(code: str) -> str:
    """Returns a code in BCP 47's usual spelling, for comparing; other text stays as it is."""
    try:
        return parse_language(code).tag
    except ValueError:
        return code


def english_name(code: str) -> str:
    """Returns the English name of a language, with the rest of its code: `Portuguese (pt-BR)`.

    A rare or unknown language is named by its code.
    """
    tag = usual_tag(code)
    base = tag.partition("-")[0]
    name = _ENGLISH_NAMES.get(base, tag)
    return name if tag in (base, name) else f"{name} ({tag})"
