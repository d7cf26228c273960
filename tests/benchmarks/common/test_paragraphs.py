from benchmarks.common.paragraphs import paragraph


def test_a_paragraph_has_lines_of_at_most_100_characters_and_all_its_words() -> None:
    sentences = ["A sentence of some-hyphenated words."] * 9
    lines = paragraph(*sentences).splitlines()
    assert max(map(len, lines)) <= 100
    assert " ".join(lines) == " ".join(sentences)


def test_a_path_is_never_broken() -> None:
    path = "a/" * 80
    assert path in paragraph("See", path).splitlines()
