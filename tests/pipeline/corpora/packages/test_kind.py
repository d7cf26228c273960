import pytest

from pipeline.corpora.packages.kind import folder_names


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("de", {"de", "de-de", "de_de"}),
        ("fr", {"fr", "fr-fr", "fr_fr", "fra"}),
        ("pt_BR", {"pt-br", "pt_br", "por"}),
        ("zh_CN", {"zh-cn", "zh_cn"}),
    ],
)
def test_a_language_has_its_names_in_paths_and_no_other_one(language: str, names: set) -> None:
    assert folder_names(language) == names
