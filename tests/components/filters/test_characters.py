import pytest
from ftfy import fix_encoding
from hypothesis import given, strategies

from components.filters.characters import WrongScript, mojibake
from components.filters.profile import CorpusProfile

LATIN, CJK = frozenset({"LATIN"}), frozenset({"CJK"})


@pytest.mark.parametrize(
    ("scripts", "source", "target", "found"),
    [
        ((LATIN, LATIN), "日本語のテキスト", "Japanischer Text", "source: Cjk"),
        ((LATIN, LATIN), "Good", "Хорошо", "target: Cyrillic"),
        ((LATIN, CJK), "Cat", "Katze", "target: Latin"),
        ((LATIN, LATIN), "Good", "Gut", None),
        ((LATIN, CJK), "Linux 2.4", "Linux 2.4 以降", None),
        ((LATIN, CJK), "OK", "OK", None),
        ((frozenset(), frozenset()), "日本語", "Хорошо", None),
    ],
)
def test_a_side_without_its_usual_script_is_found(scripts, source, target, found):
    assert WrongScript(CorpusProfile(scripts=scripts))(source, target) == found


@pytest.mark.parametrize(
    ("source", "target", "found"),
    [
        ("ÃœberprÃ¼fung des Systems", "Check", "source"),
        ("Check", "fÃ¼r alle", "target"),
        ("Check", "f\ufffdr alle", "target"),
        ("Check", "für alle »Überall«", None),
        ("NÃO É", "no", None),
        ("8 ½ films", "8 ½ Filme", None),
    ],
)
def test_text_in_a_wrong_encoding_is_found(source, target, found):
    assert mojibake(source, target) == found


@given(
    strategies.lists(
        strategies.sampled_from([*"aé ?üÃ¼â€™Ð", "Ã ", "â€", "\x1a", "\x92"]), max_size=8
    )
)
def test_mojibake_is_all_that_ftfy_repairs(characters: list[str]) -> None:
    text = "".join(characters)
    found = mojibake(text, "a") is not None
    assert found == (not text.isascii() and fix_encoding(text) != text)
