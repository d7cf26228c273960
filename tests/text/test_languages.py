import pytest

from text.languages import english_name, parse_language


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("de", ("de", "de", "")),
        ("nds", ("nds", "nds", "")),
        ("pt_BR", ("pt-BR", "pt", "")),
        ("pt-br", ("pt-BR", "pt", "")),
        ("zh-hant-TW", ("zh-Hant-TW", "zh", "Hant")),
        ("zh_CN", ("zh-CN", "zh", "")),
        ("zh-yue", ("yue", "yue", "")),
        ("es-419", ("es-419", "es", "")),
        ("sr@latin", ("sr-Latn", "sr", "Latn")),
        ("sr_RS@latin", ("sr-Latn-RS", "sr", "Latn")),
        ("ca@valencia", ("ca-valencia", "ca", "")),
        ("de-CH-1901", ("de-CH-1901", "de", "")),
        ("en-x-mine", ("en-x-mine", "en", "")),
    ],
)
def test_codes_may_name_region_script_and_variant(code: str, parts: tuple[str, str, str]) -> None:
    assert parse_language(code) == parts


@pytest.mark.parametrize(
    "code",
    [
        "",
        "d",
        "German",
        "English",
        "DE",
        "EN us",
        "de_",
        "de\n",
        "../de",
        "../../x",
        "de/x",
        "de-x",
    ],
)
def test_what_is_no_code_is_refused_and_the_form_is_said(code: str) -> None:
    with pytest.raises(ValueError, match="is not a language code: write .* such as de, pt-BR"):
        parse_language(code)


@pytest.mark.parametrize(
    ("code", "name"),
    [("de", "German"), ("pt_BR", "Portuguese (pt-BR)"), ("tlh", "tlh"), ("", ""), ("q x", "q x")],
)
def test_a_language_has_an_english_name(code, name):
    assert english_name(code) == name
