"""Which model a training begins with. That it does begin with it: `tests/trainer`."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.settings import PipelineConfig, load_config
from pipeline.errors import UserError
from pipeline.warm_start import NoWarmStartError, choose_warm_start, resolve_warm_start
from serving.versions.push import roll_back
from serving.versions.store import LocalStore


def config(*overrides: str) -> PipelineConfig:
    return load_config("debian", ["training.warm_start=true", *overrides])


def record(settings: PipelineConfig, checksum: str) -> dict[str, Any]:
    """What a model's card says, as far as it matters here."""
    sections = ("subwords", "model", "training", "decoding")
    return {
        "source_language": settings.data.source_language,
        "target_language": settings.data.target_language,
        "corpus_checksum": checksum,
        "code_digest": "code",
        "seed": settings.seed,
        "configuration": {
            name: getattr(settings, name).model_dump(mode="json") for name in sections
        },
    }


class Served:
    """A serving directory, to which models are put by what they were trained on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, number: int, card: dict[str, Any] | None) -> Path:
        path = self.folder / str(number)
        for name in ("variables", "assets", "assets.extra"):
            (path / name).mkdir(parents=True)
        (path / "saved_model.pb").write_bytes(b"\x12\x02\x0a\x00")
        (path / "variables/variables.index").write_bytes(b"index")
        (path / "variables/variables.data-00000-of-00001").write_bytes(b"weights")
        (path / "assets/subwords.txt").write_text("pieces", encoding="utf-8")
        if card is not None:
            text = json.dumps(card)
            (path / "assets.extra/model_card.json").write_text(text, encoding="utf-8")
        return path

    def chosen(self, checksum: str, *overrides: str) -> int | str:
        """The version to begin with, or why there is none."""
        settings = config(*overrides)
        try:
            found = choose_warm_start(
                settings, str(self.folder), record(settings, checksum), "debian"
            )
        except NoWarmStartError as error:
            return str(error)
        return found.version


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path / "models")


def test_training_on_new_text_begins_with_the_live_model(served: Served) -> None:
    served.add(1, record(config(), "old"))
    live = served.add(2, record(config(), "newer"))
    found = choose_warm_start(config(), str(served.folder), record(config(), "newest"), "debian")
    assert (found.version, found.export) == (2, str(live))
    assert found.vocabulary == f"{live}/assets/subwords.txt"


def test_a_second_run_begins_where_the_first_began(served: Served) -> None:
    served.add(1, record(config(), "old"))
    assert served.chosen("new") == 1
    served.add(2, record(config(), "new"))
    assert served.chosen("new") == 1


def test_a_first_model_that_was_pushed_still_begins_with_none(served: Served) -> None:
    assert "no model but this run's own is live" in str(served.chosen("old"))
    served.add(1, record(config(), "old"))
    assert "no model but this run's own is live" in str(served.chosen("old"))


def test_a_rollback_gives_the_same_start(served: Served) -> None:
    served.add(1, record(config(), "old"))
    served.add(2, record(config(), "new"))
    roll_back(str(served.folder), LocalStore(), to=1)
    assert served.chosen("newest") == 1
    assert served.chosen("new") == 1


def test_a_changed_setting_of_training_begins_with_the_live_model(served: Served) -> None:
    served.add(1, record(config(), "old"))
    assert served.chosen("old", "training.learning_rate=0.5") == 1


def test_a_broken_version_is_passed_over(served: Served) -> None:
    served.add(1, record(config(), "old"))
    (served.add(2, record(config(), "newer")) / "saved_model.pb").write_bytes(b"")
    assert served.chosen("newest") == 1


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("model.decoder_units=64", "the live version 1 has model.decoder_units 512, not 64"),
        ("subwords.vocabulary_size=500", "has subwords.vocabulary_size 8000, not 500"),
        ("data.target_language=fr", "has the target_language de, not fr"),
    ],
)
def test_another_kind_of_model_is_no_start_and_its_difference_is_named(
    served: Served, override: str, reason: str
) -> None:
    served.add(1, record(config(), "old"))
    assert reason in str(served.chosen("new", override))


@pytest.mark.parametrize("card", [None, {}, {"name": "foreign"}])
def test_a_model_of_somebody_else_is_no_start(served: Served, card: dict[str, Any] | None) -> None:
    served.add(1, card)
    assert "was not trained here" in str(served.chosen("new"))


def resolve(settings: PipelineConfig, served: Served, shown: list[str]) -> Any:
    def models(name: str) -> str:
        return str(served.folder.with_name(name) if name == "general" else served.folder)

    return resolve_warm_start(settings, models, record(settings, "new"), shown.append)


def test_no_start_is_said_and_training_begins_from_scratch(served: Served) -> None:
    shown: list[str] = []
    assert resolve(config(), served, shown) is None
    [line] = shown
    assert line.startswith("      no warm start, training from scratch: no model but this run's")


def test_a_start_is_said(served: Served) -> None:
    served.add(1, record(config(), "old"))
    shown: list[str] = []
    assert resolve(config(), served, shown).version == 1
    assert shown == ["      training begins with the weights and the vocabulary of version 1"]


def test_where_a_start_is_required_the_run_stops_without_one(served: Served) -> None:
    required = config("training.warm_start=required")
    with pytest.raises(UserError, match="Training cannot begin with the live model: no model but"):
        resolve(required, served, [])


def test_without_the_setting_nothing_is_looked_at() -> None:
    cold = load_config("debian")
    assert resolve_warm_start(cold, pytest.fail, {}, pytest.fail) is None


def test_another_configurations_model_is_the_start(served: Served) -> None:
    general = Served(served.folder.with_name("general"))
    served.add(1, record(config(), "old"))
    for number in (1, 2):
        general.add(number, record(config(), f"general {number}"))
    shown: list[str] = []
    found = resolve(config("training.warm_start=general"), served, shown)
    assert (found.name, found.version, found.export) == ("general", 2, f"{general.folder}/2")
    assert shown[0].endswith("of version 2 of general")
    found = resolve(config("training.warm_start=general@1"), served, shown)
    assert (found.name, found.version) == ("general", 1)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("general", "with the model general: no model but this run's own is live in .*general"),
        ("general@7", "with the model general@7: there is no version 7 in .*general"),
    ],
)
def test_a_named_model_that_is_missing_stops_the_run(
    served: Served, setting: str, reason: str
) -> None:
    with pytest.raises(UserError, match=f"Training cannot begin {reason}.*to false"):
        resolve(config(f"training.warm_start={setting}"), served, [])


def test_a_named_model_of_another_kind_stops_the_run(served: Served) -> None:
    Served(served.folder.with_name("general")).add(1, record(config(), "old"))
    with pytest.raises(UserError, match="the version 1 has model.decoder_units 512, not 64"):
        resolve(config("training.warm_start=general@1", "model.decoder_units=64"), served, [])


@pytest.mark.parametrize("value", ["Maybe!", "general@", "general@x", "3"])
def test_the_setting_allows_few_values(value: str) -> None:
    with pytest.raises(UserError, match="must be false, true, required, NAME or NAME@VERSION"):
        load_config("debian", [f"training.warm_start={value}"])
