from pathlib import Path

import pytest

from text.glossary import Glossary, GlossaryError, count_term


def found(text: str, *terms: tuple[str, str]) -> list[tuple[str, str]]:
    return [(text[each.start : each.end], each.target) for each in Glossary(terms).find(text)]


def test_whole_words_are_found() -> None:
    assert found("A dog, a hotdog and dogs.", ("dog", "Hund")) == [("dog", "Hund")]


def test_the_longest_term_is_found_first() -> None:
    terms = ("hot dog", "Wurst im Brot"), ("dog", "Hund")
    assert found("A hot  dog for a dog", *terms) == [("hot  dog", "Wurst im Brot"), ("dog", "Hund")]


def test_a_term_in_small_letters_is_found_in_any_case() -> None:
    assert found("Dog", ("dog", "Hund")) == [("Dog", "Hund")]


def test_a_term_with_capitals_is_found_as_it_is_written() -> None:
    terms = ("US", "USA"), ("us", "uns")
    assert found("Give us the US", *terms) == [("us", "uns"), ("US", "USA")]
    assert found("give it to us", terms[0]) == []


def test_a_text_in_capitals_has_terms_in_any_case() -> None:
    assert found("THE DEBIAN SYSTEM", ("Debian", "Debian")) == [("DEBIAN", "Debian")]


def test_a_term_of_a_script_without_spaces_needs_no_space() -> None:
    assert found("我有一只猫。", ("猫", "Katze")) == [("猫", "Katze")]


def test_a_term_may_begin_and_end_with_signs() -> None:
    assert found("Write C++, not C+", ("C++", "C++")) == [("C++", "C++")]


@pytest.mark.parametrize(
    ("target", "text", "count"),
    [
        ("Hund", "Schäferhund und Hunde", 2),
        ("See", "Der See der Seele, SEE", 2),
        ("猫", "这只猫", 1),
        ("C++", "C++, C+", 1),
    ],
)
def test_a_target_term_is_counted(target: str, text: str, count: int) -> None:
    assert count_term(target, text) == count


def test_an_empty_glossary_finds_nothing() -> None:
    assert found("A dog") == []


def test_a_file_has_a_term_on_each_line(tmp_path: Path) -> None:
    path = tmp_path / "terms.tsv"
    path.write_text("\ufeff# animals\n\ndog\tHund\r\n hot dog \tWurst\n", encoding="utf-8")
    assert [each.target for each in Glossary.read(path).find("dog, hot dog")] == ["Hund", "Wurst"]


@pytest.mark.parametrize("line", [b"dog", b"dog\t", b"dog\tHund\tnoun", b"\tHund"])
def test_a_line_without_two_columns_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "terms.tsv"
    path.write_bytes(b"cat\tKatze\n" + line)
    with pytest.raises(GlossaryError, match=r"Line 2 of the glossary .*terms\.tsv"):
        Glossary.read(path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "terms.tsv"
    if content:
        path.write_bytes(content)
    with pytest.raises(GlossaryError, match=r"terms\.tsv' cannot be read"):
        Glossary.read(path)


def test_two_translations_of_a_term_are_refused() -> None:
    with pytest.raises(GlossaryError, match="two translations of 'dog', 'Hund' and 'Hündin'"):
        Glossary([("dog", "Hund"), ("dog", "Hündin")])


def test_an_empty_term_is_refused() -> None:
    with pytest.raises(GlossaryError, match="empty term"):
        Glossary([("dog", " ")])
