import re
import string

import pytest

from pipeline.config import strict_yaml

# The scalars are those of YAML 1.2.2, section 10.3.2 (core schema).


@pytest.mark.parametrize("text", ["no", "yes", "on", "off", "y", "1:30"])
def test_words_that_yaml_1_1_would_turn_into_something_else_stay_text(text: str) -> None:
    assert strict_yaml.parse_value(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-07", -7),
        ("1e-3", 0.001),
        ("2.", 2.0),
        (".5", 0.5),
        ("1.5E+2", 150.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("  ", None),
        ("1_000", 1000),
        ("'3'", "3"),
        ("[a, 1]", ["a", 1]),
        ("x  # a comment", "x"),
    ],
)
def test_scalars_have_the_types_of_yaml_1_2(text: str, value: object) -> None:
    parsed = strict_yaml.parse_value(text)
    assert (type(parsed), parsed) == (type(value), value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("9" * 19, "value has more than 18 digits"),
        (f"[{'9' * 5000}]", "not valid YAML: Exceeds the limit"),
        ("2024-13-32", "not valid YAML: month must be in 1..12"),
        ("!!int three", "not valid YAML: invalid literal for int()"),
    ],
)
def test_values_that_no_key_could_take_are_refused(text: str, sentence: str) -> None:
    with pytest.raises(strict_yaml.YamlError, match=re.escape(sentence)):
        strict_yaml.parse_value(text)


def test_every_key_has_the_line_on_which_it_stands() -> None:
    document = strict_yaml.parse("# first\na: 1\nb:\n  c: 2\n\n  d: [3]\n")
    assert document.lines == {("a",): 2, ("b",): 3, ("b", "c"): 4, ("b", "d"): 6}


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("", None, "the file is empty"),
        ("# only a comment\n", None, "the file is empty"),
        ("- a\n- b\n", None, "the file must hold `key: value` lines"),
        ("just text", None, "the file must hold `key: value` lines"),
        ("a: 1\nb: [1\n", 3, "not valid YAML: "),
        ("a: 1\n\tb: 2\n", 2, "not valid YAML: "),
        ("a: \x00\n", None, "not valid YAML: unacceptable character"),
        ("a: 1\n---\nb: 2\n", 2, "not valid YAML: but found another document"),
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", 4, 'found duplicate key "b"; keep one of them'),
        ("a: 1\n3: 2\n", 2, "a key must be text"),
        ("a: 1\n? [x]\n: 2\n", 2, "a key must be text"),
        ("a: &x 1\nb: *x\n", 2, "aliases (`*name`) are not allowed"),
        ("a: !!python/name:os.system\n", 1, "not valid YAML: could not determine a constructor"),
        ("a: " + "[" * 5000, None, "the values are nested too deeply"),
    ],
)
def test_what_is_no_configuration_is_refused_with_its_line(
    text: str, line: int | None, sentence: str
) -> None:
    with pytest.raises(strict_yaml.YamlError) as caught:
        strict_yaml.parse(text)
    assert caught.value.sentence.startswith(sentence)
    assert caught.value.line == line


def test_what_is_dumped_is_read_back_unchanged() -> None:
    texts = ["no", "1e-3", "1.", "07", "null", "", "~", "a: b", "# x", "ü€", "*x", "2024-01-31"]
    texts += [character + "x" for character in string.punctuation]
    values = {"texts": texts, "inner": {"i": 3, "f": 1e-05, "n": None, "t": True, "empty": []}}
    assert strict_yaml.parse(strict_yaml.dump(values)).values == values


def test_comments_stand_above_their_keys_and_change_no_value() -> None:
    values = {"a": 1, "b": {"c": [2], "d": None}}
    comments = {("a",): "first", ("b",): "a section", ("b", "c"): "word " * 40}
    text = strict_yaml.dump(values, comments)
    assert text.startswith("# first\na: 1\n\n# a section\nb:\n  # word word")
    assert max(map(len, text.splitlines())) <= 100
    assert strict_yaml.parse(text).values == values
