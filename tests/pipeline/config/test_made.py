from pathlib import Path

import pytest

from pipeline.config.made import epochs_for, make_configuration, subwords_for
from pipeline.config.settings import PipelineConfig, load_config
from pipeline.corpora.folder import CorpusText, write_corpus
from pipeline.corpora.information import SPLITS, CorpusInfo, PackageInfo
from pipeline.workspace import Workspace

TRAIN, TEST = 2_000, 120


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(str(tmp_path))


def corpus(
    workspace: Workspace,
    name: str = "mine",
    target: str = "fr",
    test: int = TEST,
) -> tuple[CorpusInfo, Path]:
    folder = Path(workspace.corpus(name))
    sizes = dict(zip(SPLITS, (TRAIN, 50, test), strict=True))
    text = CorpusText(
        name=name,
        source_language="en",
        target_language=target,
        licence="CC0",
        origin="made up",
        splits={
            split: [(f"{split} {i} one", f"{split[:2]} {i} deux trois") for i in range(size)]
            for split, size in sizes.items()
        },
    )
    return write_corpus(text, folder, replace=True), folder


def loaded(name: str, workspace: Workspace) -> PipelineConfig:
    return load_config(name, workspace=workspace.root)


@pytest.mark.parametrize(
    ("corpus_name", "target", "name", "language"),
    [
        ("debian-ja", "ja", "debian-ja", "ja"),
        ("debian-zh_CN", "zh_CN", "debian-zh-cn", "zh-CN"),
        ("debian-pt_BR", "pt_BR", "debian-pt-br", "pt-BR"),
        ("debian-nb", "nb", "debian-nb", "nb"),
        ("manuals", "sr@latin", "manuals", "sr-Latn"),
        ("no", "no", "no", "no"),
    ],
)
def test_the_configuration_is_found_by_its_name_and_valid(
    workspace: Workspace, corpus_name: str, target: str, name: str, language: str
) -> None:
    make_configuration(*corpus(workspace, corpus_name, target), workspace)
    config = loaded(name, workspace)
    assert (config.name, config.data.corpus) == (name, corpus_name)
    assert (config.data.source_language, config.data.target_language) == ("en", language)
    assert config.subwords.vocabulary_size == 1_000
    assert (config.training.epochs, config.training.patience) == (100, 25)


def test_the_rest_is_that_of_the_shipped_configuration(workspace: Workspace) -> None:
    make_configuration(*corpus(workspace), workspace)
    made, shipped = loaded("mine", workspace).model_dump(), load_config("debian").model_dump()
    for own in ("name", "data", "subwords", "evaluation"):
        del made[own], shipped[own]
    for own in ("epochs", "patience"):
        del made["training"][own], shipped["training"][own]
    assert made == shipped


def test_the_floors_are_in_the_file_with_their_measure(workspace: Workspace) -> None:
    made = make_configuration(*corpus(workspace), workspace)
    assert made.floors is not None
    evaluation = loaded("mine", workspace).evaluation
    assert evaluation.min_bleu == made.floors["bleu"].value
    assert evaluation.min_chrf == made.floors["chrf"].value
    assert "# measured: on the 120 test pairs" in Path(made.path).read_text(encoding="utf-8")


def test_the_gate_slices_by_the_domains_of_packages(workspace: Workspace) -> None:
    made, folder = corpus(workspace)
    package = PackageInfo(
        package="less",
        version="1",
        licence="GPL-3+",
        bytes=1,
        domain="manuals",
        split="train",
        pairs=TRAIN,
    )
    made = made.model_copy(update={"packages": (package,), "features": ("domain",)})
    make_configuration(made, folder, workspace)
    assert loaded("mine", workspace).evaluation.slice_features == ["domain"]


def test_without_a_measure_the_gate_has_no_floor_and_the_file_says_why(
    workspace: Workspace,
) -> None:
    made = make_configuration(*corpus(workspace, test=99), workspace)
    evaluation = loaded("mine", workspace).evaluation
    assert (evaluation.min_bleu, evaluation.min_chrf) == (None, None)
    assert "none yet: 99 test pairs are too few" in Path(made.path).read_text(encoding="utf-8")


def test_a_file_that_was_edited_is_kept_until_it_is_forced(workspace: Workspace) -> None:
    made = make_configuration(*corpus(workspace), workspace)
    path = Path(made.path)
    edited = path.read_text(encoding="utf-8").replace("epochs: 100", "epochs: 3")
    path.write_text(edited, encoding="utf-8")
    again = make_configuration(*corpus(workspace, target="es"), workspace)
    assert path.read_text(encoding="utf-8") == edited
    assert again.floors is None
    make_configuration(*corpus(workspace, target="es"), workspace, force=True)
    assert loaded("mine", workspace).data.target_language == "es"


def test_a_file_that_was_not_edited_follows_a_new_corpus(workspace: Workspace) -> None:
    make_configuration(*corpus(workspace), workspace)
    make_configuration(*corpus(workspace, target="es"), workspace)
    assert loaded("mine", workspace).data.target_language == "es"


def test_a_corpus_elsewhere_is_named_by_its_path(workspace: Workspace, tmp_path: Path) -> None:
    other = Workspace(str(tmp_path / "other"))
    _, folder = made = corpus(other)
    make_configuration(*made, workspace)
    assert loaded("mine", workspace).data.corpus == str(folder)


@pytest.mark.parametrize(
    ("name", "pairs"), [("debian", 43_629), ("multi30k", 29_000), ("tatoeba", 170_000)]
)
def test_the_rule_gives_the_vocabularies_of_the_shipped_configurations(
    name: str, pairs: int
) -> None:
    assert subwords_for(pairs, 200) == load_config(name).subwords.vocabulary_size


def test_a_script_of_many_characters_has_room_for_them() -> None:
    assert subwords_for(20_000, 1_500) == 4_000 + 1_200 - 200  # rounded
    assert subwords_for(1_000_000, 6_300) == 8_000 + 6_000


def test_the_epochs_take_about_the_same_steps() -> None:
    assert epochs_for(43_629) == load_config("debian").training.epochs
    assert epochs_for(20_000) == 22
    assert (epochs_for(1_000_000), epochs_for(100)) == (5, 100)
