import pytest

from text.encoding import likely_encoding


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16LE"),
        ("utf-16-be", "UTF-16BE"),
        ("utf-32", "UTF-32"),
        ("latin-1", "WINDOWS-1252"),
        ("cp1252", "WINDOWS-1252"),
    ],
)
def test_the_likely_encoding_is_named(encoding: str, expected: str | None) -> None:
    assert likely_encoding("Das Café in Zürich kostet viel.\n".encode(encoding)) == expected


@pytest.mark.parametrize("text", [b"", b"\0", b"a\0b\n", b"\0" * 20])
def test_a_few_nuls_are_no_other_encoding(text: bytes) -> None:
    assert likely_encoding(text) is None


@pytest.mark.parametrize(
    ("text", "language", "encoding"),
    [
        ("Привет, мир", "ru", "CP1251"),
        ("Zażółć gęślą jaźń", "pl", "CP1250"),
        ("今日は良い天気です", "ja", "CP932"),
        ("今日は良い天気です", "ja", "EUC-JP"),
        ("今天天气很好", "zh-CN", "GB18030"),
        ("Łódź", "pl_PL", "CP1250"),
        ("Zürich", "de", "WINDOWS-1252"),
    ],
)
def test_the_language_of_the_text_tells_its_usual_encoding(
    text: str, language: str, encoding: str
) -> None:
    assert likely_encoding(text.encode(encoding), ["en", language]) == encoding
