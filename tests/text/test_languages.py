import pytest

from text.languages import is_language_code


@pytest.mark.parametrize("code", ["de", "nds", "pt_BR", "zh-Hant-TW", "sr@latin"])
def test_codes_may_name_region_script_and_variant(code: str) -> None:
    assert is_language_code(code)


@pytest.mark.parametrize("code", ["", "d", "German", "DE", "de_", "de\n", "../de"])
def test_what_is_no_code_is_refused(code: str) -> None:
    assert not is_language_code(code)
