import pytest

from text.identification import identifiable, likely_languages, other_language


@pytest.mark.parametrize(
    ("code", "name"), [("pt-BR", "pt"), ("sr@latin", "sr"), ("nb", "no"), ("tlh", ""), ("", "")]
)
def test_the_identifier_has_names_of_its_own(code, name):
    assert identifiable(code) == name


def test_kin_is_not_another_language():
    danish_like = "Jeg vet ikke hva du mener med dette her"
    assert other_language(danish_like, "no") is None
    assert other_language(danish_like, "fr")


@pytest.mark.parametrize(
    ("text", "best"),
    [
        ("The cat is on the mat.", "en"),
        ("Ein Mann in einer roten Jacke", "de"),
        ("Hello", "en"),
        ("12", "en"),
        ("", "en"),
        ("Bonjour mon ami, comment ça va aujourd'hui ?", "fr"),
    ],
)
def test_a_text_is_in_an_expected_language_unless_it_surely_is_not(text, best):
    found = likely_languages(text, ["en", "de"])
    assert found[0][0] == best
    assert 0 < sum(share for _, share in found) <= 1.001


def test_an_expected_language_keeps_its_code_and_may_be_unknown():
    assert likely_languages("Ein Mann in einer Jacke", ["tlh", "de-AT"])[0] == ("de-AT", 1)
