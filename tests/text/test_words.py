import pytest

from text.words import split_text, words_of

WORDS = {
    "punctuation around a word": ('"GTK+", (libfoo-dev): e.g.', ["GTK+", "libfoo-dev", "e.g"]),
    "punctuation inside a word": ("x11-common/1.2 foo_bar", ["x11-common/1.2", "foo_bar"]),
    "marks that are part of a name": ("C++ C# --help ~/bin", ["C++", "C#", "--help", "~/bin"]),
    "no letter and no digit": ("a – b ... * +", ["a", "b"]),
    "German quotes": ("„Qt“ ‚KDE‘ »X«", ["Qt", "KDE", "X"]),
}


@pytest.mark.parametrize("name", WORDS)
def test_a_text_is_split_into_words(name: str) -> None:
    text, expected = WORDS[name]
    assert words_of(text) == expected


IN_WORDS = {
    "white space": ("Ein  Hund,\tder (läuft).", "Ein|Hund,|der|(läuft)."),
    "Korean has spaces": ("한국어 문장입니다.", "한국어|문장입니다."),
    "Chinese": ("这个软件包包含了 GTK+ 的开发文件。", "这个|软件|包|包含|了|GTK+|的|开发|文件|。"),
    "Chinese beside Latin": ("支持，C++（测试）", "支持|，|C++|（|测试|）"),
    "Japanese": ("ファイルを3個含みます", "ファイル|を|3|個|含み|ます"),
    "beyond 16 bits": ("𠮷野家で😀食べる", "𠮷|野家|で|😀|食べる"),
    "Thai": ("มีแฟ้ม Python สำหรับการพัฒนา", "มี|แฟ้ม|Python|สำหรับ|การ|พัฒนา"),
    "Lao": ("ນີ້ມີ", "ນີ້|ມີ"),
    "Khmer, with spaces of no width": (
        "កញ្ចប់\u200bនេះ\u200bមានឯកសារ។",
        "កញ្ចប់\u200b|នេះ\u200b|មាន|ឯកសារ។",
    ),
    "Burmese": ("ဖိုင်များပါဝင်သည်။", "ဖိုင်|များ|ပါဝင်|သည်။"),
    "Tibetan, by syllables": ("བོད་སྐད་ཡིག་ཆ།", "བོད་|སྐད་|ཡིག་|ཆ།"),
}


@pytest.mark.parametrize("name", IN_WORDS)
def test_scripts_without_spaces_are_divided_into_words(name: str) -> None:
    text, expected = IN_WORDS[name]
    assert split_text(text) == expected.split("|")
    assert "".join(split_text(text)) == "".join(text.split())


def test_scripts_without_spaces_are_divided_into_characters() -> None:
    assert split_text("GTK+ 的開発 ที่นี่", "characters") == ["GTK+", "的", "開", "発", "ที่", "นี่"]


def test_words_lose_the_punctuation_of_their_script() -> None:
    assert words_of("包含，「文件」。ཡིག་ཆ། កញ្ចប់\u200b") == ["包含", "文件", "ཡིག", "ཆ", "កញ្ចប់"]
    assert words_of("سلام، دنیا؟") == ["سلام", "دنیا"]
